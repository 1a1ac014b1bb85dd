-- The schema to be migrated, as the old service has it: every user has accounts, every transaction belongs to an account, and the
-- service keeps each account's total. Amounts are floats. The test fills a copy of this.
CREATE TABLE users (
	id varchar(264) PRIMARY KEY,
	name text
);
CREATE TABLE account (
	id varchar(264) PRIMARY KEY DEFAULT gen_random_uuid(),
	user_id varchar(264) NOT NULL REFERENCES users,
	total double precision NOT NULL DEFAULT 0
);
CREATE TABLE transaction (
	id varchar(264) PRIMARY KEY DEFAULT gen_random_uuid(),
	account_id varchar(264) NOT NULL REFERENCES account,
	amount double precision NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX account_user_id ON account (user_id);
CREATE INDEX transaction_account_id ON transaction (account_id);
