"""Several engines that serve one model, asked as if they were one."""
