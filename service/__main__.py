"""``python -m service`` is the ``preceptor`` command."""

from service.cli import main

raise SystemExit(main())
