-- Where the requests of a run went: the API's URL and the OAuth client, whose organisation it is. What is known of
-- records (known) is about those of one place. NULL: none were sent, or not by this version.
ALTER TABLE run ADD COLUMN place TEXT;
