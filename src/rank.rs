//! Attributed costs and budgets in; the split of each objective and the hot functions, worst first, out.
