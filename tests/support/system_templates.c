#include "tests/support/system_templates.h"

#include <sys/stat.h>

#include "tests/support/temp_dir.h"

void system_templates_write(const char *dir)
{
    mkdir(dir, 0777);
    temp_dir_write(dir, "_brands/default.yaml",
                   "name: Shop\nurl: https://example.com\nsender: { name: Shop, email: shop@example.com }\n"
                   "sms_sender: Shop\n");
    temp_dir_write(dir, "note/flow.yaml",
                   "on: test.note\nclass: transactional\ndedupe: [member.id, note.seq]\ndedupe_for: 30d\n"
                   "channels:\n  email: { ambiguous: resend }\n  sms: { ambiguous: hold }\n");
    temp_dir_write(dir, "note/email.en.liquid",
                   "---\nsubject: \"{{ note.seq }}\"\n---\n<p>Note {{ note.seq }} for {{ member.id }}</p>\n");
    temp_dir_write(dir, "note/sms.en.liquid", "{{ note.seq }}\n");
}
