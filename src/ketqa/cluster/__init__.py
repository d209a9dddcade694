"""Past one machine: rows that Milvus searches, shards that are made on Ray."""
