/** Any value that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject

/** A JSON object; a key whose value is `undefined` is not stored. */
export interface JsonObject { readonly [key: string]: Json | undefined }
