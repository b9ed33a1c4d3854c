"""Made test/vectors/v1.json, once: python3 test/vectors/v1.py > test/vectors/v1.json

Written from the description of the format on another stack (Python, pyca/cryptography 50), so that it shares no mistake with
lib/ or with libsodium: HChaCha20 is spelled out here, ChaCha20-Poly1305 is OpenSSL's. Once a version of the package has been
published the tokens are frozen, and v1.json is never made anew: a new format gets a new version character and a new file.
"""
import base64, hmac, json, struct
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.hashes import SHA256

CONTEXT = 'fastify-typed-session/v1'
VERSION = {'sealed': '4', 'reference': '3'}

def b64(data): return base64.urlsafe_b64encode(data).rstrip(b'=').decode()
def join(*parts): return b''.join(len(p.encode()).to_bytes(2, 'big') + p.encode() for p in parts)
def derive(secret, *parts): return HKDF(SHA256(), 32, b'', join(CONTEXT, *parts)).derive(secret)
def kid(secret): return b64(derive(secret, 'kid'))[:6]

def hchacha20(key, nonce):
    """draft-irtf-cfrg-xchacha-03, section 2.2."""
    x = list(struct.unpack('<16I', b'expand 32-byte k' + key + nonce))
    def turn(a, b, to, by):
        x[a] = (x[a] + x[b]) & 0xffffffff
        x[to] ^= x[a]
        x[to] = (x[to] << by | x[to] >> 32 - by) & 0xffffffff
    for _ in range(10):
        for a, b, c, d in (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14):
            turn(a, b, d, 16); turn(c, d, b, 12); turn(a, b, d, 8); turn(c, d, b, 7)
    return struct.pack('<8I', *x[:4], *x[12:])

def xchacha(key, nonce, body, aad): return ChaCha20Poly1305(hchacha20(key, nonce[:16])).encrypt(bytes(4) + nonce[16:], body, aad)

# The vectors of the draft: 2.2.1, and A.3.1 in part.
assert hchacha20(bytes(range(32)), bytes.fromhex('000000090000004a0000000031415927')).hex() == '82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc'
SUNSCREEN = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
assert xchacha(bytes(range(128, 160)), bytes(range(64, 88)), SUNSCREEN, bytes.fromhex('50515253c0c1c2c3c4c5c6c7'))[-16:].hex() == 'c0875924c1c7987947deafd8780acf49'

def payload(purpose, secret, binding, nonce, body, aad=None, key=None, tag=None, digest='sha256'):
    key = key or derive(secret, VERSION[purpose], purpose, binding['session'])
    if aad is None:
        aad = join(CONTEXT, VERSION[purpose], purpose, binding['session'], binding['cookie'], binding['application'], kid(secret))
    if purpose == 'sealed':
        out = nonce + xchacha(key, nonce, body, aad)
        return out if tag is None else out[:len(out) - 16 + tag]
    return body + hmac.new(key, aad + body, digest).digest()[:16 if tag is None else tag]

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
    for purpose, bodies in (('sealed', (b'', b'x', BASE, JSON, JSON * 40)), ('reference', (ID, bytes(38)))):
        for body in bodies:
            entry = {'format': purpose, 'secret': secret.hex(), **binding, 'body': body.hex()}
            if purpose == 'sealed': entry['nonce'] = nonce.hex()
            tokens.append({**entry, 'token': token(purpose, secret, binding, nonce, body)})

rejected = []
def reject(format, reason, text): rejected.append({'format': format, 'reason': reason, 'token': text})

ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
for purpose, body in (('sealed', BASE), ('reference', ID)):
    good = token(purpose, S1, A, N1, body)
    raw = payload(purpose, S1, A, N1, body)
    head, tail = good[:7], good[7:]
    no = lambda reason, text: reject(purpose, reason, text)
    no('empty', '')
    no('header only', head)
    for version in ('0', '1', '2', '5', '9', 'A', 'v', ' ', '１'): no(f'version {version}', version + good[1:])
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
    no('parts moved between the fields', token(purpose, S1, A, N1, body, aad=join(CONTEXT, VERSION[purpose], purpose, 'session_', '_Host-Http-session', '', kid(S1))))
    no('associated data without the version', token(purpose, S1, A, N1, body, aad=join(CONTEXT, purpose, 'session', '__Host-Http-session', '', kid(S1))))
    no('parts without lengths', token(purpose, S1, A, N1, body, aad=(CONTEXT + VERSION[purpose] + purpose + 'session__Host-Http-session' + kid(S1)).encode()))
    no('the secret as the key', token(purpose, S1, A, N1, body, key=S1))
    no('an all-zero key', token(purpose, S1, A, N1, body, key=bytes(32)))
    for other in VERSION:
        if other != purpose: no(f'the key of {other}', token(purpose, S1, A, N1, body, key=derive(S1, VERSION[other], other, 'session')))
    no('a key without the version', token(purpose, S1, A, N1, body, key=derive(S1, purpose, 'session')))
    for length in range(16): no(f'tag of {length} bytes', token(purpose, S1, A, N1, body, tag=length))
    no('all zero', head + b64(bytes(len(raw))))
    no('standard base64', head + base64.b64encode(b'\xff' * len(raw)).decode())
    no('hex', head + raw.hex())
    no('twice', good + good)
    no('body repeated', head + tail + tail)
for length in (0, 16, 32, 37, 39, 64): reject('reference', f'authentic body of {length} bytes', token('reference', S1, A, N1, bytes(length)))
reject('reference', 'whole MAC', token('reference', S1, A, N1, ID, tag=32))
for digest in ('sha1', 'sha512', 'md5'): reject('reference', f'HMAC-{digest}', token('reference', S1, A, N1, ID, digest=digest))
reject('sealed', 'ChaCha20-Poly1305 without HChaCha20', '4' + kid(S1) + b64(N1 + ChaCha20Poly1305(derive(S1, '4', 'sealed', 'session')).encrypt(N1[12:], JSON, b'')))
halves = payload('sealed', S1, A, N1, JSON)
reject('sealed', 'nonce halves swapped', '4' + kid(S1) + b64(halves[12:24] + halves[:12] + halves[24:]))
reject('sealed', 'tag first', '4' + kid(S1) + b64(halves[:24] + halves[-16:] + halves[24:-16]))
for name, text in (('JWT, none', 'eyJhbGciOiJub25lIn0.eyJ1c2VySWQiOiJ1MSJ9.'), ('cookie-signature', 's:abc.' + 'A' * 43), ('Fe26.2', 'Fe26.2**' + 'a' * 64 + '*' + 'B' * 22), ('JSON', '{"userId":"u1"}'), ('prototype', '__proto__'), ('kid prototype', '4__proto__' + 'A' * 80)):
    for purpose in VERSION: reject(purpose, name, text)

print(json.dumps({'comment': 'Frozen. Made by v1.py, see there.', 'tokens': tokens, 'rejectedBy': {'secret': S1.hex(), **A}, 'rejected': rejected}, indent=1))
