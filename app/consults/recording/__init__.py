"""Recording a consultation by everyone's consent."""
