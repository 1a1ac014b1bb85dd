-- The schema of the old service: every user has accounts, every transaction belongs to an account, and the service stores each
-- account's total. There are no keys and no defaults, amounts are floats, times are seconds since 1970. The test fills a copy of
-- this.
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
