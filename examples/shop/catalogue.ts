export interface Product { readonly sku: string, readonly name: string, readonly about: string, readonly cents: number, readonly sign: string }

export const products: readonly Product[] = [
  { sku: 'tea', name: 'Sencha tea', about: 'First flush, 100 g', cents: 1290, sign: '🍵' },
  { sku: 'cup', name: 'Stoneware cup', about: 'Glazed by hand, 200 ml', cents: 1850, sign: '☕' },
  { sku: 'pot', name: 'Cast iron pot', about: 'Keeps warm for an hour', cents: 6400, sign: '🫖' },
  { sku: 'tin', name: 'Tea tin', about: 'Airtight, for 150 g', cents: 980, sign: '🥫' }
]

export interface Line extends Product { readonly qty: number }

/** The cart as a person reads it. A product that is no longer sold is left out. */
export function linesOf (cart: readonly { sku: string, qty: number }[]): Line[] {
  return cart.flatMap(({ sku, qty }) => products.filter((product) => product.sku === sku).map((product) => ({ ...product, qty })))
}

export function totalOf (lines: readonly Line[]): number {
  return lines.reduce((sum, { cents, qty }) => sum + cents * qty, 0)
}
