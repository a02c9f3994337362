"""The engine: tensors, the graph, the record of an operation, the registry."""
