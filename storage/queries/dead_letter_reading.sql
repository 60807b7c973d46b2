-- name: dead_letters
-- A page of what was not stored, newest first, without the raw bytes.
SELECT id, received_at, partition, topic, device, reason, detail, octet_length(payload) AS size,
       exercise_of(split_part(topic, '/', 2)) AS exercise
  FROM dead_letters
 WHERE (%(before)s::bigint IS NULL OR id < %(before)s)
   AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR received_at < %(until)s)
   AND (%(reason)s::text IS NULL OR reason = %(reason)s)
   AND (%(device)s::text IS NULL OR device = %(device)s)
   AND (%(exercises)s::text = 'include'
        OR (exercise_of(split_part(topic, '/', 2)) IS NOT NULL) = (%(exercises)s::text = 'only'))
 ORDER BY id DESC
 LIMIT %(limit)s;

-- name: reasons
-- How many for each reason in [since, until).
SELECT reason, count(*) AS count, max(received_at) AS last_at
  FROM dead_letters
 WHERE received_at >= %(since)s AND received_at < %(until)s
   AND (%(device)s::text IS NULL OR device = %(device)s)
   AND (%(exercises)s::text = 'include'
        OR (exercise_of(split_part(topic, '/', 2)) IS NOT NULL) = (%(exercises)s::text = 'only'))
 GROUP BY reason
 ORDER BY count(*) DESC, reason;

-- name: dead_letter
-- One, with its raw bytes.
SELECT id, received_at, partition, topic, device, reason, detail, octet_length(payload) AS size, payload,
       exercise_of(split_part(topic, '/', 2)) AS exercise
  FROM dead_letters
 WHERE id = %(id)s;
