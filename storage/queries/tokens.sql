-- name: add
-- A new token; nothing if the name is taken, for names of revoked ones stay, so that logs remain unambiguous.
INSERT INTO tokens (name, role, digest, expires_at)
VALUES (%(name)s, %(role)s, %(digest)s, clock_timestamp() + make_interval(secs => %(valid_s)s))
ON CONFLICT (name) DO NOTHING
RETURNING id;

-- name: tokens
-- All that were ever made; the digest is of no use to anybody but the check.
SELECT name, role, created_at, expires_at, revoked_at,
       revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()) AS valid
  FROM tokens
 ORDER BY id;

-- name: revoke
-- Ends a token now and for ever.
UPDATE tokens SET revoked_at = clock_timestamp() WHERE name = %(name)s AND revoked_at IS NULL RETURNING id;

-- name: valid
-- The tokens that open the door now.
SELECT digest, name, role
  FROM tokens
 WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp());

-- name: any
-- Whether a token was ever made; from then on nobody comes in without one.
SELECT EXISTS (SELECT FROM tokens);
