"""Past one machine: rows in Milvus, documents in PostgreSQL, shards that are made on Ray."""
