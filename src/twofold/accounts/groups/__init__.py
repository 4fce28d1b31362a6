"""Groups, by which applications and policies distinguish accounts; administrators manage them."""
