import { createHash } from 'node:crypto'
import type { Script } from './clients.js'

// A record is kept as `tag \n payload`; the tag says whose it is and is empty for nobody. Each script has one key.

/**
 * The first line declares what a script does. So a server that became a read-only replica refuses every script that may write,
 * even where it would only answer. And a server without memory still lets sessions end.
 */
function script (declaration: '#!lua' | '#!lua flags=no-writes' | '#!lua flags=allow-oom', body: string): Script {
  const text = declaration + body
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

const replace = `
local value, left = redis.call('GET', KEYS[1]), ''
if value ~= ARGV[1] then
  local function split (text)
    local feed = string.find(text, '\\n') or 0
    return string.sub(text, 1, math.max(feed - 1, 0)), string.sub(text, feed + 1)
  end
  local tag, expected = split(ARGV[1])
  if not value then return { 'missing', tag } end
  local former, payload = split(value)
  if payload ~= expected then return { 'conflict', former == tag and '' or tag } end
  if ARGV[4] ~= '1' then return { 'moving', '' } end
  left = former
end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
return { 'replaced', left }
`

/**
 * ARGV: expected record and record, each with the tag that it is to have, deadline, '1' to replace although the record
 * changes hands. Answers the outcome, and the tag whose index names the id in vain from now on, if there is one.
 */
export const replaceScript = script('#!lua', replace)

/** The same, for a record that takes less room than before: a session can end on a server that has no memory left. */
export const shrinkScript = script('#!lua flags=allow-oom', replace)

/** ARGV: deadline. Answers the tag, or nothing when there is no such record. A tag has at most 43 characters. */
export const touchScript = script('#!lua flags=allow-oom', `
local head = redis.call('GETRANGE', KEYS[1], 0, 43)
if head == '' then return false end
redis.call('PEXPIREAT', KEYS[1], ARGV[1])
return string.match(head, '^(.-)\\n') or ''
`)

/** Answers the tag, or nothing when there is no such record. */
export const deleteScript = script('#!lua flags=allow-oom', `
local head = redis.call('GETRANGE', KEYS[1], 0, 43)
redis.call('DEL', KEYS[1])
return string.match(head, '^(.-)\\n') or false
`)

/** Answers the record and its deadline, or nothing. */
export const readScript = script('#!lua flags=no-writes', `
local value = redis.call('GET', KEYS[1])
if not value then return false end
return { value, string.format('%.0f', redis.call('PEXPIRETIME', KEYS[1])) }
`)

/**
 * ARGV: id, deadline. Enters an id into a subject's index, by the server's clock. The entry lives twice as long as the
 * record has to live, so one lost write of the index takes no live session out of it. Nor does a write that is refused in the
 * end: an entry only ever moves to a later time.
 */
export const indexScript = script('#!lua', `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[1], 'GT', string.format('%.0f', 2 * tonumber(ARGV[2]) - now), ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
return redis.call('PEXPIREAT', KEYS[1], last)
`)

/** ARGV: cursor. Answers the next cursor and a bounded part of a subject's index, some ids perhaps twice. */
export const scanScript = script('#!lua flags=no-writes', `
local page = redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', 100)
local ids = {}
for i = 1, #page[2], 2 do ids[#ids + 1] = page[2][i] end
return { page[1], ids }
`)

/** ARGV: id. Takes an id that is dead for good out of a subject's index. */
export const leaveScript = script('#!lua flags=allow-oom', `
return redis.call('ZREM', KEYS[1], ARGV[1])
`)
