"""Made test/vectors/v1.json, once: python3 test/vectors/v1.py > test/vectors/v1.json

Written from the description of the format on another stack (Python, pyca/cryptography 50), so that it shares no mistake with
lib/. The tokens are frozen: v1.json is never made anew. A new format gets a new version character and a new file.
"""
import base64, hashlib, hmac, json
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.hashes import SHA256

CONTEXT = 'fastify-typed-session/v1'
VERSION = {'sealed': '1', 'readable': '2', 'reference': '3'}
MAC = {'readable': 32, 'reference': 16}

def b64(data): return base64.urlsafe_b64encode(data).rstrip(b'=').decode()
def join(*parts): return b''.join(len(p.encode()).to_bytes(2, 'big') + p.encode() for p in parts)
def derive(secret, *parts): return HKDF(SHA256(), 32, b'', join(CONTEXT, *parts)).derive(secret)
def kid(secret): return b64(derive(secret, 'kid'))[:6]

def subkey(key, half):
    def prf(i):
        mac = CMAC(algorithms.AES(key))
        mac.update(i.to_bytes(2, 'big') + b'X\0' + half)
        return mac.finalize()
    return prf(1) + prf(2)

def xaes(key, nonce, body, aad): return AESGCM(subkey(key, nonce[:12])).encrypt(nonce[12:], body, aad)

def payload(purpose, secret, binding, nonce, body, aad=None, key=None, tag=None, digest='sha256'):
    key = key or derive(secret, purpose, binding['session'])
    if aad is None:
        aad = join(CONTEXT, purpose, binding['session'], binding['cookie'], binding['application'], kid(secret))
    if purpose == 'sealed':
        out = nonce + xaes(key, nonce, body, aad)
        return out if tag is None else out[:len(out) - 16 + tag]
    return body + hmac.new(key, aad + body, digest).digest()[:MAC[purpose] if tag is None else tag]

def token(purpose, secret, *rest, **options): return VERSION[purpose] + kid(secret) + b64(payload(purpose, secret, *rest, **options))

# No secret here could be configured: parseSecrets refuses sequences and repetition.
S1, S2, S3 = bytes(range(32)), bytes(range(32, 72)), b'\xaa' * 48
A = {'application': '', 'session': 'session', 'cookie': '__Host-Http-session'}
B = {'application': 'shop', 'session': 'adminSession', 'cookie': 'admin'}
C = {'application': 'Größe', 'session': 'sitzung', 'cookie': 'a'}
N1, N2 = b'ABCDEFGHIJKLMNOPQRSTUVWX', bytes(range(200, 224))
JSON = json.dumps({'userId': 'u1', 'cart': [{'sku': 'tea', 'qty': 2}]}).encode()
BASE = b'{"a":1}x' # what the rejected tokens are made from
ID = bytes(range(100, 138))

tokens = []
for secret, binding, nonce in ((S1, A, N1), (S2, B, N2), (S3, C, N1)):
    for purpose, bodies in (('sealed', (b'', b'x', BASE, JSON, JSON * 40)), ('readable', (b'', b'xy', BASE, JSON)), ('reference', (ID, bytes(38)))):
        for body in bodies:
            entry = {'format': purpose, 'secret': secret.hex(), **binding, 'body': body.hex()}
            if purpose == 'sealed': entry['nonce'] = nonce.hex()
            tokens.append({**entry, 'token': token(purpose, secret, binding, nonce, body)})

rejected = []
def reject(format, reason, text): rejected.append({'format': format, 'reason': reason, 'token': text})

ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
for purpose, body in (('sealed', BASE), ('readable', BASE), ('reference', ID)):
    good = token(purpose, S1, A, N1, body)
    raw = payload(purpose, S1, A, N1, body)
    head, tail = good[:7], good[7:]
    no = lambda reason, text: reject(purpose, reason, text)
    no('empty', '')
    no('header only', head)
    for version in ('0', '4', '9', 'A', 'v', ' ', '１'): no(f'version {version}', version + good[1:])
    for other in VERSION.values():
        if other != good[0]: no('version of another format', other + good[1:])
    for name in ('AAAAAA', '______', head[1:][::-1], head[1:6] + '.', kid(S2), kid(S1).swapcase()): no(f'kid {name}', good[0] + name + tail)
    for junk in ('=', '==', '.', ' ', '\n', '\0', '+', '/', '%3D', 'A', 'AA', 'AAAA', ';', 'é', 'Ł', '\ud83d\ude00'):
        no(f'followed by {junk!r}', good + junk)
        no(f'preceded by {junk!r}', junk + good)
        no(f'{junk!r} inside', head + tail[:20] + junk + tail[20:])
    if len(raw) % 3:
        spare = 4 if len(raw) % 3 == 1 else 2
        for bits in range(1, 1 << spare): no(f'spare bits {bits}', good[:-1] + ALPHABET[ALPHABET.index(good[-1]) | bits])
    for binding, what in (({**A, 'application': 'shop'}, 'another application'), ({**A, 'session': 'admin'}, 'another session'), ({**A, 'cookie': 'session'}, 'another cookie')):
        no(what, token(purpose, S1, binding, N1, body))
    no('another secret under this kid', good[0] + kid(S1) + b64(payload(purpose, S2, A, N1, body)))
    no('another secret', token(purpose, S2, A, N1, body))
    no('no associated data', token(purpose, S1, A, N1, body, aad=b''))
    no('parts moved between the fields', token(purpose, S1, A, N1, body, aad=join(CONTEXT, purpose, 'session_', '_Host-Http-session', '', kid(S1))))
    no('parts without lengths', token(purpose, S1, A, N1, body, aad=(CONTEXT + purpose + 'session__Host-Http-session' + kid(S1)).encode()))
    no('the secret as the key', token(purpose, S1, A, N1, body, key=S1))
    no('an all-zero key', token(purpose, S1, A, N1, body, key=bytes(32)))
    for other in VERSION:
        if other != purpose: no(f'the key of {other}', token(purpose, S1, A, N1, body, key=derive(S1, other, 'session')))
    for length in range(0, 16 if purpose != 'readable' else 32): no(f'tag of {length} bytes', token(purpose, S1, A, N1, body, tag=length))
    no('all zero', head + b64(bytes(len(raw))))
    no('standard base64', head + base64.b64encode(b'\xff' * len(raw)).decode())
    no('hex', head + raw.hex())
    no('twice', good + good)
    no('body repeated', head + tail + tail)
for length in (0, 16, 32, 37, 39, 64): reject('reference', f'authentic body of {length} bytes', token('reference', S1, A, N1, bytes(length)))
reject('reference', 'whole MAC', token('reference', S1, A, N1, ID, tag=32))
for digest in ('sha1', 'sha512', 'md5'): reject('readable', f'HMAC-{digest}', token('readable', S1, A, N1, JSON, digest=digest))
reject('readable', 'SHA-256 without a key', '2' + kid(S1) + b64(JSON + hashlib.sha256(JSON).digest()))
reject('sealed', 'AES-GCM without derivation', '1' + kid(S1) + b64(N1 + AESGCM(derive(S1, 'sealed', 'session')).encrypt(N1[12:], JSON, b'')))
halves = payload('sealed', S1, A, N1, JSON)
reject('sealed', 'nonce halves swapped', '1' + kid(S1) + b64(halves[12:24] + halves[:12] + halves[24:]))
reject('sealed', 'tag first', '1' + kid(S1) + b64(halves[:24] + halves[-16:] + halves[24:-16]))
for name, text in (('JWT, none', 'eyJhbGciOiJub25lIn0.eyJ1c2VySWQiOiJ1MSJ9.'), ('cookie-signature', 's:abc.' + 'A' * 43), ('Fe26.2', 'Fe26.2**' + 'a' * 64 + '*' + 'B' * 22), ('JSON', '{"userId":"u1"}'), ('prototype', '__proto__'), ('kid prototype', '1__proto__' + 'A' * 80)):
    for purpose in VERSION: reject(purpose, name, text)

print(json.dumps({'comment': 'Frozen. Made by v1.py, see there.', 'tokens': tokens, 'rejectedBy': {'secret': S1.hex(), **A}, 'rejected': rejected}, indent=1))
