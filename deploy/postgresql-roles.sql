-- Two roles for production on PostgreSQL: the site runs as one that owns nothing, so that nobody who gets hold
-- of it can rewrite the ledger. Run by a superuser in the site's own database, before the first migration or
-- at any time after; running it again changes nothing:
--
--     createdb mofa_kpi
--     psql --dbname mofa_kpi --file deploy/postgresql-roles.sql
--     psql --command '\password kpi_owner' --command '\password kpi_app'
--
-- Then migrate as the one, and let the site and its commands run as the other:
--
--     DATABASE_URL=postgres://kpi_owner:…@host/mofa_kpi python manage.py migrate
--     DATABASE_URL=postgres://kpi_app:…@host/mofa_kpi   gunicorn mofa_kpi.wsgi
--
-- kpi_owner owns tables and functions, and runs migrations. Its password belongs to whoever installs versions,
-- not on the machine that serves the site. kpi_app reads and writes rows; the ledger it reads, and it adds
-- events (sign-ins, exports) through the view ledger_event. Every migration sets the ledger's own rights anew.

BEGIN;

DO $$
DECLARE
    role text;
    thing record;
BEGIN
    FOREACH role IN ARRAY ARRAY['kpi_owner', 'kpi_app'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', role);
        END IF;
    END LOOP;

    -- Temporary tables are for showing the plan as of an earlier moment.
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO kpi_owner, kpi_app', current_database());

    -- What an earlier installation left to another owner. A column's sequence follows its table.
    FOR thing IN
        SELECT oid::regclass AS name FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO kpi_owner', thing.name);
    END LOOP;
    FOR thing IN
        SELECT oid::regprocedure AS name FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'ledger\_%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO kpi_owner', thing.name);
    END LOOP;
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO kpi_owner;
GRANT USAGE ON SCHEMA public TO kpi_app;

-- The tables that there are, and those of later migrations.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO kpi_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO kpi_app;
ALTER DEFAULT PRIVILEGES FOR ROLE kpi_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO kpi_app;
ALTER DEFAULT PRIVILEGES FOR ROLE kpi_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO kpi_app;

-- All but the ledger.
DO $$
BEGIN
    IF to_regclass('public.ledger_entry') IS NOT NULL THEN
        REVOKE ALL ON public.ledger_entry FROM kpi_app;
        GRANT SELECT ON public.ledger_entry TO kpi_app;
    END IF;
    IF to_regclass('public.ledger_event') IS NOT NULL THEN
        REVOKE ALL ON public.ledger_event FROM kpi_app;
        GRANT INSERT ON public.ledger_event TO kpi_app;
    END IF;
END
$$;

COMMIT;
