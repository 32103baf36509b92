"""A load run: profiles of arrivals and requests, what each request measured, figures, and a report."""
