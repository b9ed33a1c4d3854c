import { createInterface } from 'node:readline/promises'
import { text } from 'node:stream/consumers'

/** A cookie from a pipe, or from a person. The question goes to stderr, because somebody may pipe the answer on. */
export async function readCookieText (input: NodeJS.ReadStream, questions: NodeJS.WritableStream): Promise<string> {
  if (!input.isTTY) return await text(input)
  const lines = createInterface({ input, output: questions })
  try {
    return await lines.question('Value of the session cookie, or the whole Cookie header: ')
  } finally {
    lines.close()
  }
}
