"""Made test/vectors/devices.json, once: python3 test/vectors/devices.py > test/vectors/devices.json

The tokens of sessions that are bound to devices, from the description of the format, on Python's own hmac and pyca/cryptography.
Frozen like v1.json: a new format gets a new version character and a new file.
"""
import base64, hmac, json
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.hashes import SHA256

CONTEXT = 'fastify-typed-session/v1'
VERSION = {'bound': '5', 'offer': '6'}

def b64(data): return base64.urlsafe_b64encode(data).rstrip(b'=').decode()
def join(*parts): return b''.join(len(p.encode()).to_bytes(2, 'big') + p.encode() for p in parts)
def derive(secret, *parts): return HKDF(SHA256(), 32, b'', join(CONTEXT, *parts)).derive(secret)
def kid(secret): return b64(derive(secret, 'kid'))[:6]

def token(format, secret, application, session, cookie, body):
    version = VERSION[format]
    aad = join(CONTEXT, version, format, session, cookie, application, kid(secret))
    mac = hmac.digest(derive(secret, version, format, session), aad + body, 'sha256')[:16]
    return version + kid(secret) + b64(body + mac)

tokens = []
for n, (application, session, cookie) in enumerate((('', 'session', '__Secure-session-bound'), ('shop', 'adminSession', '__Secure-sid-bound'), ('Ω', 's', 'c'))):
    secret = bytes((7 * i + 31 * n + 1) % 256 for i in range(32 + n))
    for format in VERSION:
        for body in (bytes(38), bytes(range(1, 33)) + (1_800_000_000_000 + n).to_bytes(6, 'big')):
            tokens.append({'format': format, 'secret': secret.hex(), 'application': application, 'session': session, 'cookie': cookie, 'body': body.hex(), 'token': token(format, secret, application, session, cookie, body)})

print(json.dumps({'comment': 'Frozen. Made by devices.py, see there.', 'tokens': tokens}, indent=1))
