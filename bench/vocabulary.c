/*
 * vocabulary: the words of generated messages. This is static data only; text.c draws from it.
 */
#include "vocabulary.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *const common_words[] = {
	"the",          "you",       "I",           "to",          "and",        "a",          "of",
	"it",           "that",      "is",          "in",          "for",        "was",        "on",
	"have",         "they",      "do",          "but",         "be",         "are",        "know",
	"so",           "think",     "like",        "with",        "my",         "did",        "he",
	"not",          "about",     "at",          "that's",      "what",       "this",       "just",
	"it's",         "we",        "can",         "one",         "as",         "me",         "there",
	"if",           "or",        "your",        "too",         "how",        "really",     "an",
	"all",          "good",      "from",        "don't",       "who",        "would",      "yes",
	"when",         "has",       "some",        "up",          "out",        "more",       "no",
	"time",         "had",       "get",         "see",         "been",       "love",       "I'm",
	"she",          "people",    "their",       "by",          "then",       "will",       "them",
	"pretty",       "because",   "much",        "were",        "which",      "than",       "well",
	"movie",        "could",     "right",       "watch",       "also",       "very",       "go",
	"him",          "great",     "interesting", "wow",         "his",        "first",      "only",
	"years",        "make",      "heard",       "never",       "now",        "her",        "oh",
	"other",        "yeah",      "into",        "most",        "over",       "play",       "new",
	"way",          "work",      "even",        "music",       "lot",        "still",      "sure",
	"game",         "want",      "us",          "should",      "day",        "any",        "guess",
	"say",          "am",        "team",        "said",        "show",       "our",        "after",
	"nice",         "it'll",     "thing",       "made",        "back",       "maybe",      "why",
	"world",        "before",    "feel",        "off",         "many",       "always",     "favorite",
	"where",        "something", "hello",       "school",      "long",       "read",       "two",
	"night",        "kind",      "books",       "better",      "year",       "hope",       "home",
	"being",        "old",       "bad",         "song",        "funny",      "today",      "ever",
	"need",         "talk",      "tell",        "best",        "around",     "next",       "here",
	"last",         "tomorrow",  "food",        "find",        "cool",       "big",        "used",
	"every",        "book",      "remember",    "fun",         "friend",     "give",       "friends",
	"hear",         "agree",     "those",       "come",        "actually",   "probably",   "little",
	"same",         "life",      "cat",         "dog",         "call",       "house",      "believe",
	"crazy",        "money",     "true",        "though",      "week",       "enough",     "might",
	"haha",         "check",     "let",         "take",        "phone",      "these",      "family",
	"another",      "again",     "thanks",      "mean",        "keep",       "through",    "live",
	"city",         "number",    "amazing",     "must",        "sound",      "seen",       "player",
	"mom",          "look",      "weekend",     "place",       "start",      "three",      "listen",
	"both",         "down",      "wonder",      "thought",     "dad",        "water",      "until",
	"bit",          "car",       "idea",        "help",        "real",       "hard",       "start",
	"different",    "since",     "story",       "quite",       "man",        "makes",      "having",
	"morning",      "coffee",    "late",        "early",       "season",     "whole",      "head",
	"crowd",        "job",       "office",      "sometimes",   "ago",        "together",   "without",
	"happy",        "sorry",     "send",        "photo",       "please",     "meet",       "train",
	"bus",          "ticket",    "street",      "kitchen",     "dinner",     "lunch",      "breakfast",
	"pizza",        "weather",   "rain",        "snow",        "sunny",      "cold",       "warm",
	"summer",       "winter",    "spring",      "autumn",      "birthday",   "party",      "wedding",
	"holiday",      "beach",     "river",       "mountain",    "garden",     "travel",     "flight",
	"hotel",        "airport",   "doctor",      "hospital",    "medicine",   "sleep",      "tired",
	"hungry",       "busy",      "ready",       "waiting",     "almost",     "minute",     "hour",
	"month",        "price",     "cheap",       "expensive",   "order",      "delivery",   "package",
	"address",      "invoice",   "payment",     "account",     "bank",       "transfer",   "refund",
	"discount",     "offer",     "service",     "customer",    "support",    "question",   "answer",
	"problem",      "solved",    "fixed",       "broken",      "update",     "version",    "computer",
	"laptop",       "screen",    "keyboard",    "internet",    "website",    "password",   "email",
	"message",      "meeting",   "project",     "report",      "deadline",   "boss",       "colleague",
	"company",      "contract",  "business",    "market",      "science",    "history",    "language",
	"english",      "spanish",   "french",      "teacher",     "student",    "college",    "university",
	"exam",         "homework",  "football",    "baseball",    "basketball", "soccer",     "tennis",
	"coach",        "league",    "score",       "winner",      "champion",   "stadium",    "guitar",
	"piano",        "violin",    "singer",      "band",        "album",      "concert",    "actor",
	"actress",      "director",  "series",      "episode",     "cartoon",    "comedy",     "drama",
	"horror",       "planet",    "jupiter",     "moon",        "star",       "space",      "rocket",
	"ocean",        "fish",      "whale",       "horse",       "elephant",   "bird",       "tree",
	"flower",       "forest",    "bread",       "cheese",      "chocolate",  "apple",      "banana",
	"orange",       "potato",    "tomato",      "chicken",     "soup",       "rice",       "salad",
	"sugar",        "tea",       "beer",        "wine",        "juice",      "bottle",     "glass",
	"plate",        "knife",     "table",       "chair",       "window",     "door",       "floor",
	"wall",         "roof",      "bridge",      "road",        "bicycle",    "engine",     "driver",
	"police",       "lawyer",    "judge",       "president",   "election",   "government", "country",
	"border",       "village",   "island",      "castle",      "museum",     "library",    "theater",
	"painting",     "camera",    "picture",     "video",       "radio",      "newspaper",  "magazine",
	"chapter",      "author",    "poem",        "letter",      "stamp",      "gift",       "surprise",
	"secret",       "dream",     "smile",       "laugh",       "cry",        "angry",      "afraid",
	"brave",        "clever",    "stupid",      "strange",     "quiet",      "loud",       "fast",
	"slow",         "heavy",     "light",       "dark",        "bright",     "blue",       "green",
	"yellow",       "purple",    "silver",      "golden",      "wooden",     "plastic",    "paper",
	"iron",         "stone",     "café",        "naïve",       "résumé",     "jalapeño",   "fiancée",
	"über",         "crème",     "piñata",      "smörgåsbord", "façade",     "déjà",       "señor",
	"doppelgänger", "touché",    "netflix",
};
const size_t common_words_count = COUNT(common_words);

const char *const emoji[] = {
	"🙂", "😂",    "❤️",   "👍", "😊", "🎉", "😭", "🔥", "🙏",       "😍", "🤔", "👏",
	"😎",    "🥳", "💪",        "☕", "🍕", "⚽", "🎸", "🚀", "🌧️", "🐶", "🐱",    "👨‍👩‍👧",
	"🇩🇪",   "🇧🇷",   "👋🏽", "✅",
};
const size_t emoji_count = COUNT(emoji);

static const char *const cyrillic[] = {
	"привет",     "как",     "дела",   "сегодня", "завтра",     "вчера",  "погода", "хорошо",   "очень",    "спасибо",
	"пожалуйста", "встреча", "работа", "дом",     "друг",       "семья",  "музыка", "фильм",    "книга",    "город",
	"поезд",      "ужин",    "кофе",   "вечером", "утром",      "можно",  "нужно",  "когда",    "потому",   "что",
	"не",         "и",       "мы",     "они",     "знаю",       "думаю",  "люблю",  "смотреть", "говорить", "деньги",
	"телефон",    "вопрос",  "ответ",  "ёлка",    "объявление", "щедрый",
};

static const char *const arabic[] = {
	"مرحبا", "كيف",   "حالك",  "اليوم", "غدا",    "أمس",   "الطقس", "جميل",  "شكرا", "من",    "فضلك",
	"العمل", "البيت", "صديق",  "عائلة", "موسيقى", "فيلم",  "كتاب",  "مدينة", "قطار", "عشاء",  "قهوة",
	"مساء",  "صباح",  "الخير", "نعم",   "لا",     "لماذا", "متى",   "أين",   "أعرف", "أعتقد", "أحب",
	"سؤال",  "جواب",  "هاتف",  "مال",   "اجتماع", "في",    "على",   "إلى",
};

static const char *const devanagari[] = {
	"नमस्ते",   "कैसे",    "हैं",     "आप",    "आज",   "कल",   "मौसम", "अच्छा", "बहुत", "धन्यवाद", "कृपया", "काम", "घर",  "दोस्त",
	"परिवार", "संगीत",  "फ़िल्म",  "किताब", "शहर",  "रेल",   "खाना", "चाय",  "शाम", "सुबह",    "हाँ",   "नहीं", "क्यों", "कब",
	"कहाँ",    "जानता", "सोचता", "प्यार",  "सवाल", "जवाब", "फ़ोन",  "पैसा",  "बैठक", "में",      "और",   "है",
};

static const char *const chinese[] = {
	"你好", "今天", "明天", "昨天", "天气", "很好", "谢谢", "请",   "工作", "家",   "朋友",     "家人", "音乐",
	"电影", "书",   "城市", "火车", "晚饭", "咖啡", "早上", "晚上", "可以", "需要", "什么时候", "因为", "不",
	"我们", "他们", "知道", "觉得", "喜欢", "看",   "说",   "钱",   "电话", "问题", "回答",     "会议", "我",
	"你",   "的",   "是",   "在",   "了",   "有",   "和",   "非常", "漂亮", "聪明",
};

static const char *const japanese[] = {
	"こんにちは", "今日",   "明日", "昨日", "天気",   "とても", "ありがとう", "ください", "仕事", "家",   "友達",
	"家族",       "音楽",   "映画", "本",   "町",     "電車",   "夕食",       "コーヒー", "朝",   "夜",   "できる",
	"いつ",       "だから", "ない", "私",   "あなた", "知って", "思う",       "好き",     "見る", "話す", "お金",
	"電話",       "質問",   "答え", "会議", "は",     "が",     "を",         "に",       "で",   "です", "ます",
};

static const char *const hangul[] = {
	"안녕하세요", "오늘",     "내일", "어제",   "날씨",   "아주",   "감사합니다", "주세요", "일",
	"집",         "친구",     "가족", "음악",   "영화",   "책",     "도시",       "기차",   "저녁",
	"커피",       "아침",     "밤",   "언제",   "그래서", "아니요", "네",         "우리",   "알아요",
	"생각해요",   "좋아해요", "봐요", "말해요", "돈",     "전화",   "질문",       "대답",   "회의",
};

static const char *const greek[] = {
	"γεια",    "σήμερα",   "αύριο",      "χθες",    "καιρός", "καλά",   "πολύ", "ευχαριστώ", "παρακαλώ", "δουλειά",
	"σπίτι",   "φίλος",    "οικογένεια", "μουσική", "ταινία", "βιβλίο", "πόλη", "τρένο",     "βραδινό",  "καφές",
	"πρωί",    "βράδυ",    "ναι",        "όχι",     "γιατί",  "πότε",   "πού",  "ξέρω",      "νομίζω",   "αγαπώ",
	"ερώτηση", "απάντηση", "τηλέφωνο",   "χρήματα", "και",    "το",     "η",    "ο",
};

const Script scripts[] = {
	{ cyrillic, COUNT(cyrillic), " ", "." },     { arabic, COUNT(arabic), " ", "؟" },
	{ devanagari, COUNT(devanagari), " ", "।" }, { chinese, COUNT(chinese), "", "。" },
	{ japanese, COUNT(japanese), "", "。" },     { hangul, COUNT(hangul), " ", "!" },
	{ greek, COUNT(greek), " ", ";" },
};
const size_t scripts_count = COUNT(scripts);
