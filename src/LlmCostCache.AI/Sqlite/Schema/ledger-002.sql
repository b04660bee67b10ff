-- A later column is in the hash of a row, with its name, only when something other than zero or null stands in it: older rows keep their hash.
-- Units beside tokens of text, audio and images, and the geography that some providers charge a premium for. Rows from before have none of them.
ALTER TABLE entry ADD COLUMN cached_image_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN input_video_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN output_video_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN citation_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN images INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN video_milliseconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN compute_milliseconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN storage_byte_hours INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN region TEXT;

ALTER TABLE rollup ADD COLUMN cached_image_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN input_video_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN output_video_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN citation_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN images INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN video_milliseconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN compute_milliseconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN storage_byte_hours INTEGER NOT NULL DEFAULT 0;
