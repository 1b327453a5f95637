/* How to mend what was reported without a word about it: by what the sentence says. */
#include <string.h>

#include "base/mem.h"
#include "core/lint_inside.h"

struct hint {
    const char *part; /* of the message */
    const char *text;
};

/* The first that fits; the last fits all. */
static const struct hint hints[] = {
    {"the output is not closed", "write }} where it ends"},
    {"the tag is not closed", "write %} where it ends"},
    {"is not closed with", "close the block with its end tag, as {% endif %} for {% if %}"},
    {"without the block it belongs to", "take it out, or open the block before it"},
    {"does not belong into", "close the block that was opened last first"},
    {"unknown filter", "templates/README.md names the filters"},
    {"unknown tag", "correct its name, or write {% raw %} around what is no Liquid"},
    {"there is no partial", "add the file to _partials, or correct the name"},
    {"no text '", "add it to the file of that language in _strings"},
    {"lacks the plural form", "add the form: what stands behind a number changes with it in this language"},
    {"is there twice", "take one of them out"},
    {"a second file for the locale", "take one of the files out"},
    {"the template has no body", "write the message below the second line of three dashes"},
    {"the text part belongs to", "add that file, or correct the name"},
    {"only e-mail has a text part", "take the file out"},
    {"must be a text on one line", "put it in quotes, without line breaks"},
    {"must be an e-mail address", "write it like help@shop.example"},
    {"must be an address that starts with https://", "write it like https://shop.example/page"},
    {"must be at most 11 letters", "shorten it, or use a number"},
    {"in the front matter", "e-mail has subject, preheader, layout and reply_to; SMS has none"},
    {"key \"on\" is missing", "name the event type, as on: loyalty.signup"},
    {"key \"dedupe\" is missing", "name the fields that make a message one of a kind, as dedupe: [member.id]"},
    {"key \"channels\" is missing", "name at least one, as channels: { email: {} }"},
    {"segments_max must be", "two segments are usual; every one costs money"},
    {"which is not in _brands", "add the file, or correct the brand's name in the sample"},
    {"the sample is no event", "compare it with another sample of the folder"},
    {"the sample is of type", "move it to the flow of its type, or correct the type"},
    {"the sample", "compare it with another sample of the folder"},
    {"is no locale", "a locale is written like hu or pt-BR"},
    {"belongs to no flow", "move it into a flow's folder, or take it out"},
    {"means nothing", "a flow is a folder with flow.yaml; shared things are in _layouts, _partials, _brands, _strings"},
    {"is in dedupe twice", "take one of them out"},
    {"expected", "compare it with the same tag elsewhere"},
    {"unexpected", "compare it with the same tag elsewhere, and see whether the tag before it is closed"},
    {"UTF-8", "save the file as UTF-8"},
    {"nested deeper", "take blocks apart"},
    {"", "correct this place, or take back the last change of it"},
};

void lint_fill_hints(struct diag_list *diags)
{
    for (size_t i = 0; i < diags->count; i++) {
        const struct hint *hint = hints;

        if (diags->items[i].hint) {
            continue;
        }
        while (!strstr(diags->items[i].message, hint->part)) {
            hint++;
        }
        diags->items[i].hint = xstrdup(hint->text);
    }
}
