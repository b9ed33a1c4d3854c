export interface Product { readonly sku: string, readonly name: string, readonly about: string, readonly cents: number, readonly colour: string }

export const products: readonly Product[] = [
  { sku: 'tea', name: 'Sencha tea', about: 'First flush, 100 g', cents: 1290, colour: '#8fae5d' },
  { sku: 'cup', name: 'Stoneware cup', about: 'Glazed by hand, 200 ml', cents: 1850, colour: '#b98a63' },
  { sku: 'pot', name: 'Cast iron pot', about: 'Keeps warm for an hour', cents: 6400, colour: '#59626b' },
  { sku: 'tin', name: 'Tea tin', about: 'Airtight, for 150 g', cents: 980, colour: '#c9a94a' }
]

export interface Line extends Product { readonly qty: number }

/** The cart as a person reads it. A product that is no longer sold is left out. */
export function linesOf (cart: readonly { sku: string, qty: number }[]): Line[] {
  return cart.flatMap(({ sku, qty }) => products.filter((product) => product.sku === sku).map((product) => ({ ...product, qty })))
}

export function totalOf (lines: readonly Line[]): number {
  return lines.reduce((sum, { cents, qty }) => sum + cents * qty, 0)
}
