"""SLOs and assertions as rows of tables (rows), and as files for people and pipelines (written)."""
