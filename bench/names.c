/*
 * names: given names and family names of several languages and scripts. This is static data only; person.c draws from
 * it.
 */
#include "names.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LISTS(language, between, family_first, weight)                                                                 \
	{                                                                                                                  \
		language##_given, COUNT(language##_given), language##_family, COUNT(language##_family), between, family_first, \
			weight                                                                                                     \
	}

static const char *const english_given[] = {
	"James",     "Mary",      "John",     "Patricia",   "Robert",  "Jennifer", "Michael", "Linda",
	"William",   "Elizabeth", "David",    "Susan",      "Richard", "Jessica",  "Joseph",  "Sarah",
	"Thomas",    "Karen",     "Charles",  "Nancy",      "Daniel",  "Lisa",     "Matthew", "Betty",
	"Anthony",   "Sandra",    "Mark",     "Ashley",     "Paul",    "Emily",    "Steven",  "Donna",
	"Andrew",    "Michelle",  "Kenneth",  "Carol",      "Joshua",  "Amanda",   "Kevin",   "Melissa",
	"Brian",     "Deborah",   "George",   "Stephanie",  "Edward",  "Rebecca",  "Ronan",   "Siobhán",
	"Dr. Grace", "Mr. Hugh",  "Mrs. Ada", "Prof. Alan", "Tyrone",  "Jada",     "Malik",   "Imani",
};
static const char *const english_family[] = {
	"Smith",          "Johnson",      "Williams", "Brown",    "Jones",    "Davis",       "Miller",     "Wilson",
	"Moore",          "Taylor",       "Anderson", "Thomas",   "Jackson",  "White",       "Harris",     "Martin",
	"Thompson",       "Robinson",     "Clark",    "Lewis",    "Lee",      "Walker",      "Hall",       "Allen",
	"Young",          "King",         "Wright",   "Hill",     "Scott",    "Green",       "Adams",      "Baker",
	"Nelson",         "Carter",       "Mitchell", "Turner",   "Phillips", "Campbell",    "Parker",     "Evans",
	"Edwards",        "Collins",      "Stewart",  "Morris",   "Rogers",   "Reed",        "Cook",       "Morgan",
	"Bell",           "O'Brien",      "O'Connor", "McDonald", "MacLeod",  "Smith-Jones", "Fitzgerald", "Doe",
	"Washington Jr.", "Whitaker III",
};

static const char *const spanish_given[] = {
	"José",   "María",     "Juan",    "Carmen", "Antonio",    "Lucía",       "Francisco", "Ana",   "Manuel", "Sofía",
	"Javier", "Isabel",    "Miguel",  "Elena",  "Ángel",      "Rosa",        "Rafael",    "Inés",  "Andrés", "Begoña",
	"Íñigo",  "Valentina", "Joaquín", "Ximena", "María José", "Luis Miguel", "Óscar",     "Núria",
};
static const char *const spanish_family[] = {
	"García",          "Rodríguez", "González", "Fernández", "López",       "Martínez",     "Sánchez",
	"Pérez",           "Gómez",     "Jiménez",  "Ruiz",      "Hernández",   "Díaz",         "Moreno",
	"Muñoz",           "Álvarez",   "Romero",   "Alonso",    "Gutiérrez",   "Navarro",      "Torres",
	"Domínguez",       "Vázquez",   "Ramos",    "Núñez",     "Ibáñez Peña", "García Lorca", "de la Cruz",
	"Ortega y Gasset",
};

static const char *const german_given[] = {
	"Hans",       "Ursula",    "Peter", "Sabine", "Wolfgang", "Petra",     "Klaus", "Monika", "Jürgen", "Renate",
	"Günter",     "Käthe",     "Jörg",  "Bärbel", "Björn",    "Anneliese", "Lukas", "Lena",   "Felix",  "Hannah",
	"Karl-Heinz", "Anna-Lena", "Søren", "Åsa",    "Håkon",    "Freja",     "Lars",  "Ingrid",
};
static const char *const german_family[] = {
	"Müller",    "Schmidt",  "Schneider", "Fischer",    "Weber",     "Meyer",      "Wagner",   "Becker",
	"Schulz",    "Hoffmann", "Schäfer",   "Koch",       "Bauer",     "Richter",    "Klein",    "Wolf",
	"Schröder",  "Neumann",  "Schwarz",   "Zimmermann", "Krüger",    "Weiß",       "Großmann", "Jäger",
	"von Bülow", "Sørensen", "Ångström",  "Nygård",     "Lindqvist", "Østergaard",
};

static const char *const french_given[] = {
	"Jean",     "Marie",  "Pierre", "Nathalie", "Michel",   "Isabelle",     "André",    "Françoise",
	"Philippe", "Hélène", "René",   "Zoé",      "Jérôme",   "Chloé",        "François", "Aurélie",
	"Benoît",   "Anaïs",  "Gaël",   "Maëlle",   "Jean-Luc", "Marie-Claire",
};
static const char *const french_family[] = {
	"Dubois",   "Durand",   "Lefèvre",   "Moreau",   "Laurent",    "Simon",  "Michel",  "Leroy",
	"Roux",     "Bertrand", "Fournier",  "Girard",   "Bonnet",     "Dupont", "Lambert", "Fontaine",
	"Rousseau", "Mercier",  "L'Hôpital", "Poincaré", "d'Alembert", "Benoît", "Hébert",
};

static const char *const polish_given[] = {
	"Jan",       "Anna",   "Stanisław", "Małgorzata", "Krzysztof", "Katarzyna", "Andrzej",
	"Agnieszka", "Łukasz", "Żaneta",    "Paweł",      "Grażyna",   "Jiří",      "Šárka",
	"Ondřej",    "Božena", "Zoltán",    "Ildikó",     "István",    "Erzsébet",
};
static const char *const polish_family[] = {
	"Nowak",     "Kowalski",  "Wiśniewska", "Wójcik",    "Kamińska", "Lewandowski", "Zieliński",
	"Szymańska", "Woźniak",   "Dąbrowska",  "Jankowski", "Grzęda",   "Dvořák",      "Novotný",
	"Černá",     "Procházka", "Nagy",       "Szabó",     "Tóth",     "Kővágó",
};

static const char *const turkish_given[] = { "Mehmet",  "Fatma",  "Mustafa", "Ayşe",   "Ahmet", "Emine",
											 "İbrahim", "Hatice", "Ömer",    "Zeynep", "Çağla", "Gülşen",
											 "Işıl",    "Tuğba",  "Barış",   "Şükrü",  "Oğuz",  "Elif" };
static const char *const turkish_family[] = { "Yılmaz",   "Kaya",   "Demir", "Şahin",   "Çelik",  "Yıldız",
											  "Yıldırım", "Öztürk", "Aydın", "Özdemir", "Arslan", "Doğan",
											  "Kılıç",    "Aslan",  "Çetin", "Koç",     "Kurt",   "Işık" };

static const char *const vietnamese_given[] = { "Văn An",   "Thị Bình",    "Minh Châu", "Quốc Dũng",    "Thu Hà",
												"Đức Huy",  "Ngọc Lan",    "Hữu Nghĩa", "Thanh Phương", "Anh Quân",
												"Bảo Trâm", "Xuân Trường", "Mỹ Uyên",   "Tuấn Vũ" };
static const char *const vietnamese_family[] = { "Nguyễn", "Trần", "Lê",   "Phạm", "Hoàng", "Huỳnh", "Phan",
												 "Vũ",     "Võ",   "Đặng", "Bùi",  "Đỗ",    "Hồ",    "Ngô" };

static const char *const yoruba_given[] = { "Chinedu", "Ngozi",  "Olúwaṣẹ́gun", "Fọláṣadé", "Emeka",   "Adaeze",
											"Kwame",   "Akosua", "Thabo",      "Naledi",   "Wanjiku", "Kamau",
											"Zanele",  "Sipho",  "Aminata",    "Ousmane",  "Fatou",   "Abebe" };
static const char *const yoruba_family[] = { "Okafor", "Adéyẹmí", "Okonkwo", "Balógun",  "Mensah",        "Owusu",
											 "Nkosi",  "Dlamini", "Mwangi",  "Otieno",   "Diallo",        "Traoré",
											 "Ndiaye", "Tesfaye", "Eze",     "Ọláyínká", "van der Merwe", "Nyong'o" };

static const char *const indian_given[] = { "Aarav",    "Priya",    "Rahul",   "Ananya",    "Vikram",
											"Lakshmi",  "Arjun",    "Deepika", "Sanjay",    "Meera",
											"Rohan",    "Kavita",   "Suresh",  "Fatima",    "Imran",
											"Harpreet", "Gurpreet", "Sunita",  "Venkatesh", "Anjali" };
static const char *const indian_family[] = { "Sharma", "Patel", "Singh",    "Kumar",       "Gupta",
											 "Reddy",  "Iyer",  "Nair",     "Mehta",       "Joshi",
											 "Khan",   "Das",   "Banerjee", "Chatterjee",  "Rao",
											 "Desai",  "Kaur",  "Ahmed",    "Subramanian", "Fernandes" };

static const char *const russian_given[] = { "Иван",  "Мария",  "Алексей", "Анна",     "Дмитрий",   "Ольга", "Сергей",
											 "Елена", "Андрей", "Наталья", "Фёдор",    "Екатерина", "Юрий",  "Татьяна",
											 "Тарас", "Оксана", "Їржина",  "Борислав", "Милица",    "Ђорђе" };
static const char *const russian_family[] = { "Иваненко", "Петренко", "Сидоренко", "Шевченко",   "Коваль",   "Мороз",
											  "Гончар",   "Черных",   "Седых",     "Бондаренко", "Ткаченко", "Лисенко",
											  "Щербак",   "Живаго",   "Ющенко",    "Јовановић",  "Ђурић",    "Ёлкин" };

static const char *const greek_given[] = { "Γιώργος", "Μαρία", "Δημήτρης", "Ελένη", "Νίκος", "Κατερίνα",
										   "Γιάννης", "Σοφία", "Κώστας",   "Ζωή",   "Άρης",  "Ευαγγελία" };
static const char *const greek_family[] = { "Παπαδοπούλου", "Νικολάου", "Γεωργίου", "Αγγέλου", "Ιωάννου",
											"Δημητρίου",    "Σταύρου",  "Χατζή",    "Μακρή",   "Βασιλείου" };

static const char *const arabic_given[] = { "محمد", "فاطمة", "أحمد", "عائشة", "علي",  "مريم", "حسن",      "زينب",
											"عمر",  "ليلى",  "يوسف", "نور",   "خالد", "سلمى", "عبد الله", "هدى" };
static const char *const arabic_family[] = { "الحسن", "المصري", "حداد",     "النجار", "الخطيب", "سليمان",
											 "منصور", "العلي",  "البغدادي", "الشامي", "عباس",   "القاسم" };

static const char *const hebrew_given[] = {
	"דוד", "שרה", "יוסף", "רחל", "משה", "נועה", "אברהם", "תמר", "איתן", "מיכל"
};
static const char *const hebrew_family[] = { "כהן", "לוי",   "מזרחי",  "פרץ",    "ביטון",
											 "דהן", "אברהם", "פרידמן", "בן־דוד", "שפירא" };

static const char *const hindi_given[] = { "आरव",  "प्रिया",  "राहुल", "अनन्या", "विक्रम", "लक्ष्मी",
										   "अर्जुन", "दीपिका", "संजय",  "मीरा",  "कृष्ण",   "गीता" };
static const char *const hindi_family[] = { "शर्मा", "पटेल",   "सिंह",  "कुमार", "गुप्ता",
											"वर्मा", "मिश्रा", "यादव", "जोशी", "त्रिपाठी" };

static const char *const thai_given[] = { "สมชาย", "สมหญิง", "ประยุทธ", "มาลี", "วิชัย", "ดวงใจ", "อนันต์", "กัลยา" };
static const char *const thai_family[] = { "ใจดี", "รักไทย", "ทองดี", "ศรีสุข", "บุญมา", "แสงจันทร์", "พงษ์ไพร", "วงศ์สว่าง" };

static const char *const chinese_given[] = { "伟",   "芳",   "娜",   "秀英", "敏",   "静",   "丽",   "强",
											 "磊",   "军",   "洋",   "勇",   "艳",   "杰",   "涛",   "明",
											 "霞",   "秀兰", "刚",   "平",   "桂英", "建国", "志强", "雪梅",
											 "子轩", "梓涵", "欣怡", "浩然", "宇航", "雨桐" };
static const char *const chinese_family[] = { "王", "李", "张", "刘", "陈",   "杨",   "黄",   "赵",
											  "吴", "周", "徐", "孙", "马",   "朱",   "胡",   "郭",
											  "何", "林", "高", "罗", "欧阳", "司马", "诸葛", "上官" };

static const char *const japanese_given[] = { "蓮",   "陽葵", "湊",   "凛",   "樹",   "結衣",   "大翔", "さくら",
											  "翔太", "美咲", "健一", "花子", "太郎", "ひなた", "ケン", "エミリ" };
static const char *const japanese_family[] = { "佐藤", "鈴木", "高橋", "田中", "伊藤",   "渡辺",   "山本", "中村",
											   "小林", "加藤", "吉田", "山田", "佐々木", "長谷川", "髙島", "五十嵐" };

static const char *const korean_given[] = { "민준", "서연", "도윤", "지우", "하준", "수아",
											"예준", "하은", "지호", "윤서", "영수", "미경" };
static const char *const korean_family[] = {
	"김", "이", "박", "최", "정", "강", "조", "윤", "장", "임", "남궁", "황보"
};

const NameLists name_lists[] = {
	LISTS(english, " ", 0, 38), LISTS(spanish, " ", 0, 12), LISTS(german, " ", 0, 8),     LISTS(french, " ", 0, 6),
	LISTS(polish, " ", 0, 5),   LISTS(turkish, " ", 0, 3),  LISTS(vietnamese, " ", 1, 2), LISTS(yoruba, " ", 0, 4),
	LISTS(indian, " ", 0, 8),   LISTS(russian, " ", 0, 4),  LISTS(greek, " ", 0, 1),      LISTS(arabic, " ", 0, 3),
	LISTS(hebrew, " ", 0, 1),   LISTS(hindi, " ", 0, 2),    LISTS(thai, " ", 0, 1),       LISTS(chinese, "", 1, 4),
	LISTS(japanese, " ", 1, 3), LISTS(korean, "", 1, 2),
};
const size_t name_lists_count = COUNT(name_lists);
