/** What is known about a session when it is to be saved. */
export interface Facts {
  /** Is there a record that `destroy` has ended, and that is still kept? */
  readonly ended: boolean
  /** Does it stand on a record, or is it a new session? */
  readonly stored: boolean
  /** Would it be stored differently than it was found? */
  readonly changed: boolean
  /** Is it to get a new id: asked for, a change of privilege, or due? */
  readonly moving: boolean
  /** Is it time to move the idle deadline? */
  readonly touchDue: boolean
  /** Was its token made with an older secret than the newest? */
  readonly stale: boolean
  /** Is the response an error (5xx)? Then the session stays as it was found. */
  readonly failed: boolean
  /** Is the response one that a cookie would harm? Then one that nothing but time asks for is put off. */
  readonly deferrable: boolean
}

/** What is done about it. */
export type Action = 'nothing' | 'create' | 'replace' | 'touch' | 'move' | 'delete'

/** What happens to a session when the response leaves. After a `delete` the question is asked again for what is left. */
export function decide (facts: Facts): Action {
  if (facts.ended) return 'delete'
  const changed = facts.changed && !facts.failed
  if (!facts.stored) return changed ? 'create' : 'nothing'
  if (facts.moving) return 'move'
  if (changed) return 'replace'
  if (facts.failed || facts.deferrable) return 'nothing'
  return facts.touchDue || facts.stale ? 'touch' : 'nothing'
}
