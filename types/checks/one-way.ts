/** The parts of a schema that decode and cannot encode, as an error message that names their paths; `never`: none. */
export type OneWayMessage<Schema> = Message<OneWay<Schema, 'session', []>>

type Message<F> = F extends readonly [infer Path extends string, infer Problem extends string] ? `${Path} ${Problem}` : never

type Transforms = 'cannot be encoded, a transform or preprocess works in one direction only: use z.codec()'
type Coerces = 'cannot be stored as JSON: use date() or bigint() of fastify-typed-session/codecs instead of z.coerce'

// A part that is nested deeper, or is behind z.lazy(), is found at `register`.
type MaxDepth = 6

type OneWay<Schema, Path extends string, Depth extends readonly 0[]> =
  Schema extends { readonly _zod: { readonly def: infer Def } }
    ? unknown extends Def ? never : IsCoerced<Schema, Def> extends true ? readonly [Path, Coerces] : InWrapped<Def, Path, Depth>
    : never

/** Its input is anything, so that the type of what is stored does not tell. */
type IsCoerced<Schema, Def> =
  Def extends { readonly type: 'date' | 'bigint' } ? Schema extends { readonly _zod: { readonly input: infer Input } } ? unknown extends Input ? true : false : false : false

// A pipe hands on live data, so this may be a date.
type InWrapped<Def, Path extends string, Depth extends readonly 0[]> =
  Def extends { readonly type: 'transform' | 'success' } ? readonly [Path, Transforms]
    : Def extends { readonly type: 'pipe', readonly in: infer In, readonly out: infer Out }
      ? OneWay<In, Path, Depth> | Exclude<OneWay<Out, Path, Depth>, readonly [string, Coerces]>
      : Def extends { readonly innerType: infer Inner } ? OneWay<Inner, Path, Depth>
        : Depth['length'] extends MaxDepth ? never : InMembers<Def, Path, [...Depth, 0]>

type InMembers<Def, Path extends string, Depth extends readonly 0[]> =
  Def extends { readonly shape: infer Shape } ? { [K in keyof Shape]: OneWay<Shape[K], `${Path}.${K & string}`, Depth> }[keyof Shape]
    : Def extends { readonly element: infer Item } ? OneWay<Item, `${Path}[]`, Depth>
      : Def extends { readonly items: ReadonlyArray<infer Item> } ? OneWay<Item, `${Path}[]`, Depth>
        : Def extends { readonly options: ReadonlyArray<infer Option> } ? OneWay<Option, Path, Depth>
          : Def extends { readonly valueType: infer Value } ? OneWay<Value, `${Path}.*`, Depth>
            : Def extends { readonly left: infer Left, readonly right: infer Right } ? OneWay<Left, Path, Depth> | OneWay<Right, Path, Depth>
              : never
