import type { Json } from '../json.js'

/** An error message that names every path of `Stored` that JSON cannot hold; `never`: there is none. */
export type UnstorableMessage<Stored> =
  [Stored] extends [JsonObjectLike | undefined]
    ? Message<Unstorable<NonNullable<Stored>, 'session', []>>
    : unknown extends Stored ? never : 'The session is not stored as a JSON object: wrap its schema in z.object()'

/** JSON, named for what the compiler is to say of anything else. */
type JsonElseUseACodec = string | number | boolean | null | undefined | ReadonlyArray<Json> | JsonObjectElseUseACodec
/** An object of JSON, named likewise. */
export interface JsonObjectElseUseACodec {
  readonly [key: string]: JsonElseUseACodec
  /** A member that dates have, so that the compiler says what to use for one. */
  readonly toISOString?: 'use date() of fastify-typed-session/codecs instead of z.date()'
}

interface JsonObjectLike { readonly [key: string]: unknown }

type Message<F> = F extends readonly [infer Path extends string, infer Remedy extends string]
  ? `${Path} cannot be stored as JSON: ${Remedy}`
  : never

// A type that is JSON already is not looked into. `unknown` is left to be checked when it is encoded, and so is what is nested
// deeper than `MaxDepth`: a type may have no end.
type MaxDepth = 8
type Unstorable<Value, Path extends string, Depth extends readonly 0[]> =
  [Value] extends [Json | undefined] ? never
    : unknown extends Value ? never
      : Depth['length'] extends MaxDepth ? never
        : InMembers<Value, Path, [...Depth, 0]>

type InMembers<Value, Path extends string, Depth extends readonly 0[]> =
  Value extends string | number | boolean | null ? never
    : Value extends readonly unknown[] ? InItem<Value[number], `${Path}[]`, Depth>
      : Value extends JsonObjectLike | OnlyData<Value> ? InProperties<Value, Path, Depth>
        : readonly [Path, RemedyFor<Value>]

/** `object` if it looks like an interface of data. Instances of classes have methods. */
type OnlyData<Value> =
  Value extends Function ? never
    : true extends { [K in keyof Value]-?: K extends symbol ? true : NonNullable<Value[K]> extends Function ? true : false }[keyof Value] ? never : object

type InItem<Item, Path extends string, Depth extends readonly 0[]> =
  | (unknown extends Item ? never : undefined extends Item ? readonly [Path, 'its items may be undefined, use .nullable() instead'] : never)
  | Unstorable<Exclude<Item, undefined>, Path, Depth>

// One by one, because `keyof` of an object that takes other keys too is `string`.
type InProperties<Value, Path extends string, Depth extends readonly 0[]> =
  | InPropertiesOf<Named<Value>, Path, Depth>
  | (string extends keyof Value ? Unstorable<Exclude<Value[keyof Value & string], undefined>, `${Path}.*`, Depth> : never)
type InPropertiesOf<Value, Path extends string, Depth extends readonly 0[]> =
  { [K in keyof Value]-?: Unstorable<Exclude<Value[K], undefined>, `${Path}.${K & (string | number)}`, Depth> }[keyof Value]
type Named<Value> = { [K in keyof Value as string extends K ? never : K]: Value[K] }

type RemedyFor<Value> =
  Value extends Date ? `use a codec, date() ${Codecs}`
    : Value extends bigint ? `use a codec, bigint() ${Codecs}`
      : Value extends ReadonlyMap<unknown, unknown> ? `use a codec, mapOf() ${Codecs}`
        : Value extends ReadonlySet<unknown> ? `use a codec, setOf() ${Codecs}`
          : Value extends Uint8Array ? `use a codec, bytes() ${Codecs}`
            : Value extends URL ? `use a codec, url() ${Codecs}`
              : `use a codec, for instance one ${Codecs}`
type Codecs = 'of fastify-typed-session/codecs'
