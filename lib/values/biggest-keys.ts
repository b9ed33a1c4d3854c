/** The three keys whose values take the most characters as JSON, for a message: `cart (2201), note (302)`. */
export function biggestKeys (data: Readonly<Record<string, unknown>>): string {
  return Object.entries(data)
    .map(([key, value]) => [key, JSON.stringify(value).length] as const)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([key, length]) => `${key} (${length})`)
    .join(', ')
}
