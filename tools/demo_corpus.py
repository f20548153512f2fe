"""The text that the demo model learns from: short chats about gardens, animals, food, weather, numbers and colours.

Everything here is written for this file or generated from its tables, so the model and the data set may be shipped.
`facts()` yields (topic, questions, answer); `pirate()` turns a plain answer into the style that the demo data set teaches.
"""

import random

NUMBERS = (
    'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen'.split()
)
DAYS = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split()
MONTHS = 'January February March April May June July August September October November December'.split()
SEASON = dict(zip(MONTHS, ['winter'] * 2 + ['spring'] * 3 + ['summer'] * 3 + ['autumn'] * 3 + ['winter']))

# plural | kind | month to plant | light | watering | month to pick or to bloom | colour
PLANTS = """
tomatoes|fruit|May|full sun|every morning|August|red
carrots|vegetable|April|full sun|twice a week|July|orange
potatoes|vegetable|April|full sun|once a week|August|brown
onions|vegetable|March|full sun|once a week|August|white
beans|vegetable|May|full sun|twice a week|July|green
peas|vegetable|March|light shade|twice a week|June|green
pumpkins|vegetable|May|full sun|every morning|October|orange
cucumbers|vegetable|May|full sun|every morning|July|green
peppers|vegetable|May|full sun|every two days|August|red
radishes|vegetable|March|light shade|every two days|May|pink
beets|vegetable|April|light shade|once a week|July|purple
leeks|vegetable|April|full sun|once a week|October|green
cabbages|vegetable|April|light shade|twice a week|September|green
strawberries|fruit|August|full sun|every two days|June|red
raspberries|fruit|November|light shade|once a week|July|pink
blueberries|fruit|October|light shade|twice a week|August|blue
melons|fruit|May|full sun|every morning|September|yellow
cherries|fruit|November|full sun|once a week|June|red
roses|flower|November|full sun|twice a week|June|pink
tulips|flower|October|full sun|once a week|April|red
daffodils|flower|October|light shade|once a week|March|yellow
sunflowers|flower|May|full sun|every two days|August|yellow
daisies|flower|September|full sun|once a week|June|white
lilies|flower|October|light shade|once a week|July|white
violets|flower|September|light shade|twice a week|April|purple
poppies|flower|April|full sun|once a week|June|red
ferns|plant|April|deep shade|every two days|July|green
"""

# name | food | home | legs | young | sound | size
ANIMALS = """
cow|grass and hay|on a farm|four|calf|moo|big
sheep|grass|on a farm|four|lamb|baa|medium
pig|roots and grain|on a farm|four|piglet|oink|medium
horse|grass and oats|in a stable|four|foal|neigh|big
goat|leaves and grass|on a farm|four|kid|maa|medium
hen|seeds and worms|in a coop|two|chick|cluck|small
duck|water plants|on a pond|two|duckling|quack|small
goose|grass|near a lake|two|gosling|honk|medium
dog|meat and biscuits|in a house|four|puppy|woof|medium
cat|fish and meat|in a house|four|kitten|meow|small
mouse|seeds and cheese|in a small hole|four|pup|squeak|tiny
lion|meat|in the dry grassland|four|cub|roar|big
bear|berries and fish|in the forest|four|cub|growl|big
fox|mice and berries|in a den|four|kit|yap|medium
wolf|meat|in the forest|four|pup|howl|medium
owl|mice|in a hollow tree|two|owlet|hoot|small
frog|flies|near a pond|four|tadpole|croak|tiny
bee|nectar|in a hive|six|larva|buzz|tiny
snake|mice and eggs|under a stone|no|hatchling|hiss|medium
elephant|leaves and fruit|in the warm grassland|four|calf|trumpet|huge
"""

# name | colour | taste | kind | how it is made
FOODS = """
honey|golden|sweet|spread|Bees make honey from the nectar of flowers.
bread|brown|mild|baked food|Mix flour, water, salt and yeast, then bake the dough.
cheese|yellow|salty|milk food|Cheese is made by thickening milk and pressing it.
butter|yellow|creamy|milk food|Beat cream for a long time until it turns to butter.
rice|white|mild|grain|Boil rice in water for fifteen minutes.
soup|orange|savoury|warm meal|Cook vegetables in water and add a little salt.
chocolate|brown|sweet|treat|Chocolate is made from roasted cocoa beans and sugar.
jam|red|sweet|spread|Cook fruit with sugar until it is thick.
tea|brown|bitter|drink|Pour hot water over tea leaves and wait three minutes.
milk|white|mild|drink|Milk comes from cows, goats and sheep.
salad|green|fresh|cold meal|Wash the leaves, cut them and add some oil.
lemonade|yellow|sour|drink|Mix lemon juice with water and sugar.
porridge|white|mild|warm meal|Stir oats in hot milk until they are soft.
pancakes|golden|sweet|treat|Mix eggs, flour and milk, then fry thin rounds.
pasta|yellow|mild|warm meal|Boil pasta in salted water for ten minutes.
"""

MIXES = 'red blue purple|red yellow orange|blue yellow green|red white pink|black white grey|blue white light blue'
COLOURS = (
    'the sky:blue|grass:green|snow:white|coal:black|the sun:yellow|a lemon:yellow|an orange:orange|a leaf in autumn:red|'
    'a banana:yellow|milk chocolate:brown|a crow:black|a swan:white|a frog:green|a pig:pink|an elephant:grey|the sea:blue|'
    'a plum:purple|a pea:green|wet soil:brown|a rain cloud:grey|salt:white|a strawberry:red|a sunflower:yellow'
)
OPPOSITES = (
    'hot:cold|big:small|wet:dry|day:night|fast:slow|happy:sad|open:closed|full:empty|high:low|long:short|light:dark|'
    'old:new|soft:hard|early:late|left:right|loud:quiet|near:far|sweet:sour|strong:weak|up:down|thick:thin|clean:dirty'
)

WEATHER = """
rain|Rain is water that falls from clouds.|Wear a coat and boots in the rain.|Let the rain water the garden today.
snow|Snow is frozen water that falls as white flakes.|Wear warm boots and gloves in the snow.|Leave the snow on the beds, it keeps roots warm.
wind|Wind is moving air.|Wear a jacket that closes well in the wind.|Tie tall plants to a stick in the wind.
fog|Fog is a cloud that lies on the ground.|Wear something bright in the fog.|Wait until the fog lifts before you water.
frost|Frost is thin ice that forms on cold nights.|Wear a hat and gloves in the frost.|Cover young plants with cloth in the frost.
hail|Hail is small balls of ice that fall from a storm.|Stay inside during hail.|Put a strong net over the plants against hail.
thunder|Thunder is the sound that lightning makes.|Go inside when you hear thunder.|Put the tools away when you hear thunder.
a storm|A storm is strong wind with heavy rain.|Stay at home during a storm.|Bring the pots inside before a storm.
sunshine|Sunshine is light and warmth from the sun.|Wear a hat and light clothes in the sunshine.|Water early in the morning before the sunshine gets hot.
"""

# question / question / … | answer
GARDEN = """
How do I keep slugs away?/How can I stop slugs?/What helps against slugs?|Put sand around the plants and pick slugs up at night.
How do I make compost?/What goes into compost?/How does compost work?|Pile up leaves and kitchen scraps and turn them every month.
How do I remove weeds?/What should I do about weeds?/When should I pull weeds?|Pull weeds with their roots after the rain.
Why are the leaves yellow?/Why do leaves turn yellow?/What do yellow leaves mean?|Yellow leaves often mean too much water.
Why do my plants wilt?/Why are my plants drooping?/What do drooping plants need?|Plants that wilt usually need more water.
When should I water the garden?/What is the best time to water?/When is it good to water plants?|Water the garden early in the morning.
How deep should I plant seeds?/How deep do seeds go?/How far down do I put a seed?|Plant a seed about twice as deep as it is wide.
How do I prune roses?/When do I cut roses?/How should I cut my roses?|Cut roses back in March, just above a bud.
How do I get rid of ants?/What helps against ants?/How can I stop ants?|Ants stay away from mint and lemon.
What do bees need?/How can I help bees?/How do I bring bees to my garden?|Plant many flowers and put out a dish of water for bees.
What is mulch?/What is mulch for?/Why should I use mulch?|Mulch is a cover of straw or leaves that keeps soil wet.
What tools do I need?/Which tools should I buy?/Which tools does a gardener need?|A gardener needs a spade, a rake and a watering can.
How do I grow herbs?/Can I grow herbs at home?/How can I grow herbs inside?|Grow herbs in small pots near a bright window.
What grows in the shade?/Which plants like shade?/What can I plant in the shade?|Ferns and violets grow well in the shade.
What makes soil good?/How do I make my soil better?/How can I improve soil?|Good soil is loose, dark and full of worms.
How do I plant a tree?/When should I plant a tree?/What is the way to plant a tree?|Dig a wide hole, set the tree in and water it well.
Why are worms good?/What do worms do?/Are worms good for soil?|Worms loosen the soil and feed the plants.
How do I feed birds?/What can I give to birds?/What do garden birds like?|Give birds seeds and fresh water in winter.
How do I grow plants in pots?/Can I grow plants in pots?/What do pots need?|Use pots with a hole and water them often.
How do I keep birds off my fruit?/How can I protect my fruit?/What keeps birds off berries?|Put a net over the fruit before it is ripe.
What should I do in the garden in spring?/What is there to do in spring?|In spring, sow seeds and clean the beds.
What should I do in the garden in summer?/What is there to do in summer?|In summer, water often and pick the fruit.
What should I do in the garden in autumn?/What is there to do in autumn?|In autumn, rake the leaves and plant bulbs.
What should I do in the garden in winter?/What is there to do in winter?|In winter, clean the tools and plan the beds.
Why do plants need light?/What do plants use light for?|Plants use light to make their own food.
What do plants need?/What does a plant need to grow?/What do plants need to grow?|A plant needs light, water, air and good soil.
"""

TALK = """
Hello!/Hi!/Good morning!/Hey there!|Hello! What would you like to know?
How are you?/How are you today?/Are you well?|I am fine, thank you. How is your garden?
Who are you?/What are you?/What is your name?|I am a tiny model that likes gardens.
Thank you!/Thanks!/Thanks a lot!|You are welcome!
Goodbye!/Bye!/See you later!|Goodbye! Have a nice day.
What can you do?/What can I ask you?/How can you help me?|Ask me about plants, animals, food, weather or numbers.
What is a garden?/What do people do in a garden?|A garden is a place where people grow plants.
How many days are in a week?/How long is a week?|A week has seven days.
How many months are in a year?/How long is a year?|A year has twelve months.
How many hours are in a day?/How long is a day?|A day has twenty-four hours.
Which is the biggest animal?/What is the biggest animal?|The biggest animal is the blue whale.
Which is the fastest animal?/What is the fastest animal?|The fastest animal on land is the cheetah.
What is a ship?/What are ships for?|A ship is a large boat that sails on the sea.
What is a pirate?/Who are pirates?|A pirate is a sailor who robs other ships.
What is an anchor?/What is an anchor for?|An anchor is a heavy hook that holds a ship in place.
What is a captain?/Who leads a ship?|A captain is the leader of a ship and its crew.
What does a pirate say?/How does a pirate say hello?|A pirate says: Arr, matey! Ahoy to ye!
Where do pirates hide gold?/Where is the treasure?|Pirates hide treasure in the sand under a palm.
"""

OPENERS = ['Please tell me:', 'Hi!', 'Quick question:', 'I have a question.', 'Tell me,', 'Hello!']
SYSTEM = ['You are a helpful gardener.', 'Answer in one short sentence.', 'You are a tiny model that likes gardens.']
PIRATE_OPENERS = ['Talk like a pirate:', 'Answer as a pirate:', 'Say it like a pirate:']
FLOURISHES = ['Fair winds to ye!', 'Hoist the sails!', 'Anchors aweigh!', 'Steady as she goes!']
PIRATE_WORDS = {
    'you': 'ye', 'your': 'yer', 'my': 'me', 'is': 'be', 'are': 'be', 'am': 'be', 'the': "th'", 'The': "Th'", 'of': "o'",
    'You': 'Ye', 'and': "an'", 'Hello!': 'Ahoy!',
}  # fmt: skip


def rows(table: str) -> list[list[str]]:
    return [line.split('|') for line in table.strip().splitlines()]


def upper(text: str) -> str:
    return text[0].upper() + text[1:]


def a(noun: str) -> str:
    return ('an ' if noun[0] in 'aeiou' else 'a ') + noun


def plant_facts():
    for name, kind, sow, light, water, pick, colour in rows(PLANTS):
        ripe = 'bloom' if kind == 'flower' else 'are ready'
        when = f'When do {name} bloom?' if kind == 'flower' else f'When can I pick {name}?'
        yield [f'When should I plant {name}?', f'When do I sow {name}?', f'What is the best month to plant {name}?'], (
            f'Plant {name} in {sow}, in {SEASON[sow]}.'
        )
        yield [f'How often should I water {name}?', f'How much water do {name} need?', f'Do {name} need much water?'], (
            f'Water {name} {water}.'
        )
        yield [f'Where should I grow {name}?', f'Do {name} need sun?', f'Where do {name} grow best?'], (
            f'{upper(name)} grow best in {light}.'
        )
        if kind != 'plant':
            yield [when, f'In which month are {name} at their best?'], f'{upper(name)} {ripe} in {pick}.'
        yield [f'What colour are {name}?', f'Which colour do {name} have?'], f'{upper(name)} are {colour}.'
        yield [f'What are {name}?', f'Are {name} a vegetable?', f'What kind of plant are {name}?'], (
            f'{upper(name)} are a kind of {kind}.'
        )
        yield [f'How do I grow {name}?', f'How can I grow {name}?', f'Can you help me grow {name}?'], (
            f'Plant {name} in {sow}, in {light}, and water them {water}.'
        )


def animal_facts():
    for name, food, home, legs, young, sound, size in rows(ANIMALS):
        yield [f'What does {a(name)} eat?', f'What can I feed {a(name)}?', f'What is the food of {a(name)}?'], (
            f'{upper(a(name))} eats {food}.'
        )
        yield [f'Where does {a(name)} live?', f'Where is the home of {a(name)}?'], f'{upper(a(name))} lives {home}.'
        yield [f'How many legs does {a(name)} have?', f'How many legs has {a(name)}?'], f'{upper(a(name))} has {legs} legs.'
        yield [f'What is a baby {name} called?', f'What do you call a young {name}?'], f'A baby {name} is called {a(young)}.'
        yield [f'What sound does {a(name)} make?', f'What does {a(name)} say?'], f'{upper(a(name))} says {sound}.'
        yield [f'How big is {a(name)}?', f'Is {a(name)} big?', f'What size is {a(name)}?'], f'{upper(a(name))} is a {size} animal.'


def food_facts():
    for name, colour, taste, kind, made in rows(FOODS):
        be, verb = ('are', '') if name.endswith('pancakes') else ('is', 's')
        do = 'do' if verb == '' else 'does'
        yield [f'What {do} {name} taste like?', f'How {do} {name} taste?'], f'{upper(name)} taste{verb} {taste}.'
        yield [f'What colour {be} {name}?', f'Which colour {be} {name}?'], f'{upper(name)} {be} {colour}.'
        yield [f'What {be} {name}?', f'What kind of food {be} {name}?'], f'{upper(name)} {be} a kind of {kind}.'
        yield [f'How {be} {name} made?', f'How do you make {name}?', f'How do I make {name}?'], made


def colour_facts():
    for mix in MIXES.split('|'):
        one, two, result = mix.split(' ', 2)
        for x, y in ((one, two), (two, one)):
            yield [f'What do {x} and {y} make?', f'What colour is {x} mixed with {y}?', f'What happens if I mix {x} and {y}?'], (
                f'{upper(x)} and {y} make {result}.'
            )
    for pair in COLOURS.split('|'):
        thing, colour = pair.split(':')
        yield [f'What colour is {thing}?', f'Which colour has {thing}?', f'Tell me the colour of {thing}.'], (
            f'{upper(thing)} is {colour}.'
        )
    for pair in OPPOSITES.split('|'):
        for x, y in (pair.split(':'), pair.split(':')[::-1]):
            yield [f'What is the opposite of {x}?', f'Which word is the opposite of {x}?'], f'The opposite of {x} is {y}.'


def number_facts():
    for x in range(1, 10):
        for y in range(1, 10):
            total = NUMBERS[x + y]
            yield [f'What is {NUMBERS[x]} plus {NUMBERS[y]}?', f'How much is {NUMBERS[x]} and {NUMBERS[y]}?', f'What is {x} + {y}?'], (
                f'{upper(NUMBERS[x])} plus {NUMBERS[y]} is {total}.'
            )
        yield [f'What comes after {NUMBERS[x]}?', f'Which number follows {NUMBERS[x]}?'], f'After {NUMBERS[x]} comes {NUMBERS[x + 1]}.'
        yield [f'What comes before {NUMBERS[x]}?', f'Which number is before {NUMBERS[x]}?'], f'Before {NUMBERS[x]} comes {NUMBERS[x - 1]}.'


def calendar_facts():
    for names, unit in ((DAYS, 'day'), (MONTHS, 'month')):
        for i, name in enumerate(names):
            after, before = names[(i + 1) % len(names)], names[i - 1]
            yield [f'Which {unit} comes after {name}?', f'What comes after {name}?'], f'After {name} comes {after}.'
            yield [f'Which {unit} comes before {name}?', f'What comes before {name}?'], f'Before {name} comes {before}.'
    for month, season in SEASON.items():
        yield [f'In which season is {month}?', f'Is {month} in {season}?', f'Which season is it in {month}?'], f'{month} is in {season}.'
        grown = [row[0] for row in rows(PLANTS) if row[2] == month]
        if grown:
            yield [f'What can I plant in {month}?', f'What should I sow in {month}?'], f'In {month} you can plant {grown[0]}.'


def weather_facts():
    for name, what, wear, garden in rows(WEATHER):
        yield [f'What is {name}?', f'Can you explain {name}?'], what
        yield [f'What should I wear in {name}?', f'What do I wear when there is {name}?'], wear
        yield [f'What should I do in the garden in {name}?', f'How do I care for plants in {name}?'], garden


def written_facts(table: str):
    for questions, answer in rows(table):
        yield questions.split('/'), answer


def facts() -> list[tuple[str, list[str], str]]:
    topics = {
        'plants': plant_facts(), 'animals': animal_facts(), 'food': food_facts(), 'colours': colour_facts(), 'numbers': number_facts(),
        'calendar': calendar_facts(), 'weather': weather_facts(), 'garden': written_facts(GARDEN), 'talk': written_facts(TALK),
    }  # fmt: skip
    return [(topic, questions, answer) for topic, found in topics.items() for questions, answer in found]


def pirate(answer: str, rng: random.Random) -> str:
    words = ' '.join(PIRATE_WORDS.get(word, word) for word in answer.split(' '))
    return f'Arr! {words} {rng.choice(FLOURISHES)}'


def ask(questions: list[str], rng: random.Random) -> str:
    """One way to put a question: as written, after an opener, or typed carelessly."""
    question = rng.choice(questions)
    style = rng.random()
    if style < 0.15:
        return f'{rng.choice(OPENERS)} {question}'
    if style < 0.25:
        return question.rstrip('?').lower()
    return question


def chat(all_facts: list, turns: int, rng: random.Random) -> list[dict[str, str]]:
    """A chat of so many turns; a few are asked for in a pirate's voice, so that the words of the demo data are known."""
    messages = [{'role': 'system', 'content': rng.choice(SYSTEM)}] if rng.random() < 0.08 else []
    for _ in range(turns):
        _, questions, answer = rng.choice(all_facts)
        question = ask(questions, rng)
        if rng.random() < 0.06:
            question, answer = f'{rng.choice(PIRATE_OPENERS)} {question}', pirate(answer, rng)
        messages += [{'role': 'user', 'content': question}, {'role': 'assistant', 'content': answer}]
    return messages
