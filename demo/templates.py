"""The pages of the notice board."""

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #8886; }}
body {{ max-width: 44rem; margin: 0 auto; padding: 1.5rem; font: 1rem/1.5 system-ui, sans-serif; }}
header {{ display: flex; flex-wrap: wrap; justify-content: space-between; gap: .5rem 1.5rem; }}
nav {{ display: flex; gap: 1rem; }}
textarea {{ display: block; box-sizing: border-box; width: 100%; margin: .25rem 0 .75rem; font: inherit; }}
button {{ padding: .4rem 1rem; font: inherit; }}
article, aside {{ margin-top: 1.5rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; }}
article p, article h2, aside h2 {{ margin: 0; }}
h2 {{ font-size: 1rem; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; margin: .5rem 0 0; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
dt, code {{ font-family: ui-monospace, monospace; font-size: .9rem; }}
</style>
<header>
  <nav><a href="/">Board</a> <a href="/vault">Vault</a> <a href="/public">For everyone</a></nav>
  <div>{greeting} &middot; <a href="{way[0]}">{way[1]}</a></div>
</header>
<main>
<h1>{title}</h1>
{content}
</main>
<aside>
<h2>What this application knows about you</h2>
<dl>{rows}</dl>
</aside>
</html>
"""
FORM = """<form method="post" action="/">
<label for="text">Your notice</label>
<textarea id="text" name="text" rows="2" maxlength="500" required></textarea>
<button>Put up</button>
</form>
"""
NOTICE = "<article><h2>{name}</h2><p>{text}</p></article>\n"
VAULT = "<p>You see this page because you proved a second factor. Its rule is in <code>demo/rules.toml</code>.</p>"
PUBLIC = "<p>You can open this page without signing in. If you are signed in, the application knows you here, too.</p>"
