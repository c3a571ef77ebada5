"""`python -m paycools_async.cli`"""

from . import main

main()
