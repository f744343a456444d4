"""Side by side with the peers, one command: `make bench`.

`run` measures workloads (`loads`, `accounts`, `folding`) and reports (`report`, `chart`); `vendors`
pretends the vendors in a process of their own; `measure` looks at a process tree from outside;
`contestants` says who takes part, `limits` and `peers/` are what they run; `checks` tells whether
what they brought is right. Nothing of the product imports any of it.
"""
