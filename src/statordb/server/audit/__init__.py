"""Who did what, when and from where: an audit log in the form of CloudTrail's."""
