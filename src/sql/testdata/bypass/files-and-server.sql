-- expect: administer; a program
COPY customers TO PROGRAM 'id'
-- expect: administer; a program that gives rows
COPY audit FROM PROGRAM 'id'
-- expect: administer; a file
COPY customers TO '/tmp/x'
-- expect: administer; a file that gives rows
COPY audit FROM '/etc/passwd'
-- expect: administer; a file in a write
UPDATE audit SET note = pg_read_file('/etc/passwd') RETURNING note
-- expect: administer; a file inside an aggregate
SELECT sum(length(pg_read_file('/etc/passwd')))
-- expect: administer; a folder
SELECT pg_ls_dir('/')
-- expect: administer; a folder, as a table
SELECT * FROM pg_ls_logdir()
-- expect: administer; a file as a large object
SELECT lo_import('/etc/passwd')
-- expect: administer; a large object as a file
SELECT lo_export(1, '/tmp/x')
-- expect: administer; what large objects hold
SELECT lo_get(1)
-- expect: administer; the same by table
SELECT data FROM pg_largeobject
-- expect: administer; passwords
SELECT rolpassword FROM pg_authid
-- expect: administer; passwords by the old name
SELECT passwd FROM pg_shadow
-- expect: administer; passwords of other servers
SELECT umoptions FROM pg_user_mapping
-- expect: administer; passwords of other servers, by the standard's name
SELECT option_value FROM information_schema.user_mapping_options
-- expect: administer; values of columns in the planner's statistics
SELECT histogram_bounds FROM pg_stats WHERE attname = 'ssn'
-- expect: administer; the same by table
SELECT stavalues1 FROM pg_statistic
-- expect: administer; long values by their own table
SELECT chunk_data FROM pg_toast.pg_toast_17001
-- expect: administer; others' statements
SELECT query FROM pg_stat_get_activity(NULL)
-- expect: administer; others' sessions
SELECT pg_terminate_backend(1)
-- expect: administer; the log of changes
SELECT * FROM pg_logical_slot_peek_changes('s', NULL, NULL)
-- expect: administer; a replication slot
SELECT pg_create_logical_replication_slot('s', 'test_decoding')
-- expect: administer; a catalogue by hand
UPDATE pg_proc SET prosrc = 'x'
-- expect: execute; time, to measure a secret
SELECT CASE WHEN ssn LIKE '1%' THEN pg_sleep(1) END FROM customers
