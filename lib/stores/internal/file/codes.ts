/** For `catch`: these codes are an answer, any other error stays one. */
export function ignore (...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(codeOf(error))) throw error
  }
}

export function codeOf (error: unknown): string {
  return String((error as { code?: unknown }).code)
}
