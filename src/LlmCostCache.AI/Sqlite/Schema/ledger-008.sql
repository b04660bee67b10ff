-- The same sums once more without tenant, project, team, user, feature and agent: a month of ten million calls has millions of combinations of all names and some thousands of
-- these. Their digest is written as SQL can write it: 'whole' and the quoted names.
ALTER TABLE dimension ADD COLUMN whole INTEGER NOT NULL DEFAULT 0;

INSERT INTO dimension (digest, provider, model, status, operation, cache_layer, whole)
    SELECT DISTINCT CAST('whole' || quote(provider) || quote(model) || quote(status) || quote(operation) || quote(cache_layer) AS BLOB),
           provider, model, status, operation, cache_layer, 1
      FROM dimension;

INSERT INTO rollup (dimension, slot,
       calls, unpriced, booked_nanos, low_nanos, high_nanos, saved_nanos, uncached_input_tokens, cached_input_tokens, cache_write_5m_tokens,
       cache_write_1h_tokens, input_audio_tokens, cached_audio_tokens, input_image_tokens, output_tokens, reasoning_tokens, output_audio_tokens,
       output_image_tokens, requests, web_searches, milliseconds, characters, cached_image_tokens, input_video_tokens, output_video_tokens,
       citation_tokens, images, video_milliseconds, compute_milliseconds, storage_byte_hours)
    SELECT together.id, slot,
           SUM(calls), SUM(unpriced), SUM(booked_nanos), SUM(low_nanos), SUM(high_nanos), SUM(saved_nanos), SUM(uncached_input_tokens),
           SUM(cached_input_tokens), SUM(cache_write_5m_tokens), SUM(cache_write_1h_tokens), SUM(input_audio_tokens), SUM(cached_audio_tokens),
           SUM(input_image_tokens), SUM(output_tokens), SUM(reasoning_tokens), SUM(output_audio_tokens), SUM(output_image_tokens), SUM(requests),
           SUM(web_searches), SUM(milliseconds), SUM(characters), SUM(cached_image_tokens), SUM(input_video_tokens), SUM(output_video_tokens),
           SUM(citation_tokens), SUM(images), SUM(video_milliseconds), SUM(compute_milliseconds), SUM(storage_byte_hours)
      FROM rollup JOIN dimension ON dimension.id = rollup.dimension
      JOIN dimension AS together
        ON together.digest = CAST('whole' || quote(dimension.provider) || quote(dimension.model) || quote(dimension.status) || quote(dimension.operation) || quote(dimension.cache_layer) AS BLOB)
     WHERE dimension.whole = 0
     GROUP BY 1, 2;

-- Another name, so that a process of an older version, which had the ledger open when this step ran, can no longer write rows without these sums: it spools them, and a newer one books them.
ALTER TABLE rollup RENAME TO rollup_slot;
