"""What looks at a program: drawings and the check of gradients."""
