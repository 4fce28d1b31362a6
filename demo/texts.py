"""What the demo prints."""

INTRODUCTION = """
Twofold          http://localhost:{port}
Application      http://app.localhost:{app_port}
Codes and mail   {development}

Try this:

1. Create your account. Any email address will do, as no mail leaves this machine:
   {setup}
2. Open the application. It has no sign-in of its own, and yet it knows who you are:
   http://app.localhost:{app_port}
3. Open its vault, which needs a second factor. Without a phone, get the codes at
   http://localhost:{port}/dev/authenticator (open the link beside "Codes and mail" first).
4. Sign out in the application, and open it again.

If your browser does not find app.localhost, add this line to /etc/hosts: 127.0.0.1 app.localhost
Press Ctrl-C to end the demo. All its data is deleted then.
"""
