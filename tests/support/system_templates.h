/*
 * system_templates: the smallest templates with which messages can be told apart: flow `note` for events of type
 * test.note, e-mail (resend when unknown) and SMS (hold when unknown), one for each member.id and note.seq. The subject,
 * and the SMS, is the seq.
 */
#ifndef SUPPORT_SYSTEM_TEMPLATES_H
#define SUPPORT_SYSTEM_TEMPLATES_H

void system_templates_write(const char *dir);

#endif
