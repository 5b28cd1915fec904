"""Run MkDocs on a folder of somebody we do not know, warm and locked in.

`process.Builder` is the front. It keeps one small process alive (`zygote`) that has MkDocs imported and does
nothing but fork: a build starts in milliseconds and shares nothing with the portal but the code. Each build
locks itself in (`sandbox`) before it looks at a single byte of the source, and then runs MkDocs (`render`).
"""
