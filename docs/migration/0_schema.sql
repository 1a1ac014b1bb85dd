-- The schema to be migrated, as the old service has it: every user has accounts, every transaction belongs to an account, and the
-- service keeps each account's total. No keys, no defaults, amounts are floats, times are seconds since 1970. The test fills a copy of this.
CREATE TABLE users (
	id varchar(264),
	name text
);
CREATE TABLE account (
	id varchar(264),
	user_id varchar(264),
	total double precision
);
CREATE TABLE transaction (
	id varchar(264),
	account_id varchar(264),
	amount double precision,
	created_at integer
);
