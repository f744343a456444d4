"""What a peer brought, told in JSON: rows, keys, types, and how many rows meet a condition.

Run by the peer's own interpreter: its file may be of a version that ours cannot read.
"""

import hashlib
import json
import re
import sys

import duckdb

file, table, key, condition = sys.argv[1:5]
with duckdb.connect(file, read_only=True) as db:
    ids = [str(row[0]) for row in db.execute(f'select "{key}" from {table}').fetchall()]
    (met,) = db.execute(f"select count(*) from {table} where {condition}").fetchone()
    types = {row[0]: row[1] for row in db.execute(f"describe {table}").fetchall()}
    for name in [name for name, kind in types.items() if re.fullmatch(r"STRUCT\(.*\)", kind)]:
        inner = db.execute(f'describe select "{name}".* from {table}').fetchall()
        types |= {f"{name}.{row[0]}": row[1] for row in inner}
text = "\n".join(sorted(ids))
digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
told = {"rows": len(ids), "keys": len(set(ids)), "digest": digest, "types": types, "met": met}
print(json.dumps(told))
