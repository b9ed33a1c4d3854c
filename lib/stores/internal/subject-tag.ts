import { createHash } from 'node:crypto'

/** A subject as keys carry it: fixed alphabet and length (43), and no e-mail address that somebody could read there. */
export const subjectTag = (subject: string) => createHash('sha256').update(subject).digest('base64url')
