"""WHAT is exchanged: reference models as framework-neutral layer graphs with weights, inputs and a float64 truth."""
