/* Common names, short and long, for each of our languages; which of them makes up for whom is the key's business. */
#include <stddef.h>
#include <string.h>

#include "core/pseudonym_inside.h"

static const char *const en_given[] = {
    "Amy",      "Ian",      "Joan",      "Owen",      "Alice",      "Ethan",      "Grant",   "Helen",    "Edmund",
    "Hannah",   "Martin",   "Violet",    "Charles",   "Eleanor",    "Matilda",    "Winston", "Beatrice", "Clarissa",
    "Jonathan", "Rosalind", "Frederick", "Gwendolyn", "Christabel", "Montgomery", NULL};
static const char *const en_family[] = {
    "Day",      "Fox",     "Lowe",      "Webb",       "Baker",        "Clark",        "Moore",   "Perry",    "Barlow",
    "Carter",   "Harris",  "Sutton",    "Bennett",    "Collins",      "Hartley",      "Preston", "Ashworth", "Chapman",
    "Fletcher", "Goodwin", "Blackwood", "Cartwright", "Featherstone", "Wolstenholme", NULL};
static const char *const hu_given[] = {"Éva",      "Pál",      "Réka",      "Zsolt",    "Ágota",    "Bence",
                                       "Dóra",     "Gábor",    "Emese",     "Ferenc",   "Judit",    "Tímea",
                                       "Balázs",   "Borbála",  "Csilla",    "Kristóf",  "Annamari", "Boglárka",
                                       "Fruzsina", "Szilárd",  "Zsófia",    "Bendegúz", "Hajnalka", "Krisztián",
                                       "Mihálka",  "Veronika", "Zsuzsanna", NULL};
static const char *const hu_family[] = {"Ács",         "Bíró",       "Kun",         "Balog",   "Fekete",    "Gulyás",
                                        "Juhász",      "Kocsis",     "Lakatos",     "Orbán",   "Pintér",    "Simon",
                                        "Szűcs",       "Takács",     "Veres",       "Bodnár",  "Fazekas",   "Halász",
                                        "Mészáros",    "Somogyi",    "Vámosi",      "Pásztor", "Szalontai", "Keresztes",
                                        "Nyíregyházi", "Rákosfalvi", "Debreczenyi", NULL};
static const char *const ro_given[] = {"Ana",      "Dan",      "Ioan",     "Luca",       "Elena",     "Horia",
                                       "Ilinca",   "Matei",    "Mirela",   "Răzvan",     "Sorina",    "Tudor",
                                       "Camelia",  "Daniela",  "Ștefan",   "Valeriu",    "Alexandru", "Cătălina",
                                       "Georgeta", "Octavian", "Smaranda", "Constantin", NULL};
static const char *const ro_family[] = {"Pop",     "Rusu",     "Dinu",      "Lupu",           "Enache",    "Manea",
                                        "Marin",   "Oprea",    "Pavel",     "Stoica",         "Tănase",    "Ungur",
                                        "Bălan",   "Cristea",  "Dobrescu",  "Georgescu",      "Lăzărescu", "Munteanu",
                                        "Năstase", "Petrescu", "Văcărescu", "Constantinescu", NULL};
static const char *const bg_given[] = {"Яна",       "Боян",       "Вяра",      "Елена",    "Калин",   "Мила",
                                       "Огнян",     "Пламен",     "Ралица",    "Румен",    "Стоян",   "Тодор",
                                       "Цвета",     "Виолета",    "Десислава", "Красимир", "Любомир", "Магдалена",
                                       "Светослав", "Станислава", NULL};
static const char *const bg_family[] = {"Бонев",      "Вълков",      "Ганев",    "Дончев",   "Илиев",    "Колев",
                                        "Минев",      "Ненов",       "Тонев",    "Цанев",    "Божилов",  "Василев",
                                        "Данаилов",   "Кръстев",     "Стоилова", "Тодорова", "Христова", "Благоева",
                                        "Каменарова", "Черноземска", NULL};
static const char *const hy_given[] = {"Ալեն",   "Անի",     "Գոռ",      "Դավիթ",      "Լիլիթ",  "Կարեն",
                                       "Նարե",   "Տիգրան",  "Արփինե",   "Գայանե",     "Հասմիկ", "Մերուժան",
                                       "Շուշան", "Սաթենիկ", "Վարդուհի", "Աշխարհաբեկ", NULL};
static const char *const hy_family[] = {"Ադամյան",      "Բաբայան",   "Դանիելյան", "Զաքարյան",  "Թորոսյան",
                                        "Կարապետյան",   "Մելքոնյան", "Նազարյան",  "Սաֆարյան",  "Վարդանյան",
                                        "Տեր-Ղազարյան", "Ավետիսյան", "Աբովյան",   "Մանուկյան", NULL};
static const char *const fa_given[] = {"آوا",    "رضا",   "علی",    "مینا",  "امید",     "بهار",  "پویا",
                                       "کیان",   "نرگس",  "آرمان",  "پریسا", "فرهاد",    "شیرین", "مهرداد",
                                       "نیلوفر", "سیاوش", "فریبرز", "گلناز", "اسفندیار", NULL};
static const char *const fa_family[] = {"فرهی",    "امینی",   "بهاری",    "صفوی",    "نوری",      "جلالی",
                                        "رحیمی",   "شیرازی",  "کریمی",    "تهرانی",  "یوسفی",     "اصفهانی",
                                        "خراسانی", "سلیمانی", "نیشابوری", "گلستانی", "کرمانشاهی", NULL};

enum { LATIN_FIRST = 0x41, LATIN_LAST = 0x24f };

/* The first of a script is for languages that are not here. */
static const struct pseudonym_names all_names[] = {
    {"en", LATIN_FIRST, LATIN_LAST, en_given, en_family},
    {"hu", LATIN_FIRST, LATIN_LAST, hu_given, hu_family},
    {"ro", LATIN_FIRST, LATIN_LAST, ro_given, ro_family},
    {"bg", 0x400, 0x52f, bg_given, bg_family},
    {"hy", 0x531, 0x588, hy_given, hy_family},
    {"fa", 0x620, 0x6d3, fa_given, fa_family},
};

const struct pseudonym_names *pseudonym_find_names(uint32_t letter, const char *language)
{
    const struct pseudonym_names *found = NULL;

    for (size_t i = 0; i < sizeof(all_names) / sizeof(all_names[0]); i++) {
        const struct pseudonym_names *names = &all_names[i];

        if (letter < names->first || letter > names->last) {
            continue;
        }
        if (language && strncmp(language, names->language, 2) == 0) {
            return names;
        }
        if (!found) {
            found = names;
        }
    }
    return found;
}
