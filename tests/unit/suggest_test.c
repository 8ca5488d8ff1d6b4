/* Small files, and the schema files that are suggested for them. */
#include "core/ingest/suggest.h"

#include "tests/unit/ingest_scene.h"

static const struct {
    const char *name, *text, *schema; /* from its title on, in one line; or why there is none */
} files[] = {
    {"Item-1.csv", "record_id,version,tags,n\na,1,x,5\nb,1,y,6\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"version\": \"required\"}}"},
    {"Item-1.csv", "record_id,n\n a,5\nb ,6\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"trim\": true, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id,a,b\n1x,1,2,3\n2x,1,2,3\n3x,1,2\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"a\": "
     "{\"type\": \"integer\"}, \"b\": {\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \",\", \"longRows\": \"empty\"}, \"columns\": {\"id\": \"record_id\"}, "
     "\"version\": \"fetch\"}}"},
    {"Item-1.csv", "id,n\na,1\nb,99999999999999999999999\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item.ndjson",
     "{\"recordId\":\"a\",\"version\":1,\"fields\":{\"d\":\"2026-02-28\",\"n\":1,\"m\":1,\"b\":"
     "true}}\n{\"recordId\":\"b\",\"version\":1,\"fields\":{\"d\":\"2026-02-31\",\"n\":1.5,\"m\":"
     "\"x\",\"b\":false,\"o\":{\"p\":1}}}\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"d\": {\"$comment\": \"of any type because "
     "of line 2\"}, \"n\": {\"type\": \"number\"}, \"m\": {\"type\": [\"integer\", \"string\"], "
     "\"$comment\": \"a number in line 1; a string in line 2\"}, \"b\": {\"type\": \"boolean\"}, "
     "\"o\": {\"type\": \"object\"}}, \"x-rowferry\": {\"version\": \"required\"}}"},
    {"Item.ndjson",
     "{\"recordId\":\"a\",\"version\":1,\"fields\":{\"d\":\"2026-02-28T10:00:00Z\",\"x\":null,"
     "\"l\":[1]}}\n{\"recordId\":\"b\",\"version\":1,\"fields\":{\"d\":\"2026-02-27T10:00:00Z\","
     "\"x\":5}}\n{\"recordId\":\"c\",\"version\":1}\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"d\": {\"type\": \"string\", \"format\": "
     "\"date-time\"}, \"x\": {\"type\": [\"null\", \"integer\"], \"$comment\": \"a null in line 1; "
     "a number in line 2\"}, \"l\": {\"type\": \"array\"}}, \"x-rowferry\": {\"version\": "
     "\"required\"}}"},
    {"Item-1.csv", "id;a;b;c;d\nx1;[1];{\"k\":1};1,5 EUR;+5\nx2;[2,3];{};2,25 EUR;+6\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"a\": "
     "{\"type\": \"array\"}, \"b\": {\"type\": \"object\"}, \"c\": {\"type\": \"number\"}, \"d\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\", \"quote\": null}, "
     "\"columns\": {\"id\": \"record_id\"}, \"formats\": {\"c\": {\"decimal\": \",\", \"unit\": "
     "\"EUR\"}, \"d\": {\"sign\": \"leading\"}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;a;b;c\nx1;[1;{\"k\":1};EUR 1.500\nx2;[2];no;EUR 2.250\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"a\": "
     "{\"type\": \"string\"}, \"b\": {\"type\": \"string\"}, \"c\": {\"type\": \"number\", "
     "\"$comment\": \"EUR 1.500 in line 2 may also be written as {\\\"thousands\\\": \\\".\\\", "
     "\\\"unit\\\": \\\"EUR\\\"}\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\", \"quote\": "
     "null}, \"columns\": {\"id\": \"record_id\"}, \"formats\": {\"c\": {\"unit\": \"EUR\"}}, "
     "\"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;flag;word;mixed\nx1;Ja;on;yes\nx2;NEIN;off;nein\nx3;ja;on;yes\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"flag\": "
     "{\"type\": \"boolean\"}, \"word\": {\"type\": \"boolean\"}, \"mixed\": {\"type\": "
     "\"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": {\"id\": "
     "\"record_id\"}, \"formats\": {\"flag\": {\"boolean\": {\"true\": [\"Ja\", \"ja\"], "
     "\"false\": [\"NEIN\"]}}, \"word\": {\"boolean\": {\"true\": [\"on\"], \"false\": "
     "[\"off\"]}}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv",
     "id;w\nx0;wa\nx1;wb\nx2;wc\nx3;wd\nx4;we\nx5;wf\nx6;wg\nx7;wh\nx8;wi\nx9;wj\nx10;wk\nx11;wl\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"w\": "
     "{\"type\": \"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;day;other\nx1;20260102;20269999\nx2;20251231;20260101\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"day\": "
     "{\"type\": \"string\", \"format\": \"date\", \"$comment\": \"20260102 in line 2 may also be "
     "an integer\"}, \"other\": {\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, \"formats\": {\"day\": "
     "{\"date\": \"YYYYMMDD\"}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;day\nx1;99990102\nx2;30251231\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"day\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;n;d\nx1;NULL;00.00.0000\nx2;5;01.02.2026\nx3;NULL;03.02.2026\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}, \"d\": {\"type\": \"string\", \"format\": \"date\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, "
     "\"formats\": {\"n\": {\"absent\": [\"NULL\"]}, \"d\": {\"date\": \"DD.MM.YYYY\", \"absent\": "
     "[\"00.00.0000\"]}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;n;m\nx1;NULL;NULL\nx2;5;6\nx3;NULL;NULL\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id\", \"type\": \"object\", "
     "\"properties\": {\"n\": {\"type\": \"integer\"}, \"m\": {\"type\": \"integer\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \";\", \"absent\": [\"NULL\"]}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;n;m;s\nx1;NULL;-;NULL\nx2;5;6;word\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}, \"m\": {\"type\": \"integer\"}, \"s\": {\"type\": \"string\", "
     "\"$comment\": \"\\\"NULL\\\" in line 2 may be a word for 'no value': \\\"absent\\\" declares "
     "it\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": {\"id\": "
     "\"record_id\"}, \"formats\": {\"n\": {\"absent\": [\"NULL\"]}, \"m\": {\"absent\": "
     "[\"-\"]}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;n;m\nx1;1.234;5,5\nx2;2.345;6,5\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}, \"m\": {\"type\": \"number\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, \"formats\": {\"n\": "
     "{\"thousands\": \".\"}, \"m\": {\"decimal\": \",\"}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;n\nx1;1.234\nx2;12.345\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"number\", \"$comment\": \"the point of 1.234 in line 2 may also group "
     "digits\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": {\"id\": "
     "\"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;n;e\nx1;0.234;1e5\nx2;1234.345;2E5\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"number\"}, \"e\": {\"type\": \"number\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv",
     "id;n\nx1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nx2;"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;t\nx1;2026-01-02 10:00:00\nx2;2026-01-03 11:00:00\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"t\": "
     "{\"type\": \"string\", \"format\": \"date-time\", \"$comment\": \"the file does not name the "
     "zone of its times\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"formats\": {\"t\": {\"datetime\": \"YYYY-MM-DD hh:mm:ss\", "
     "\"zone\": \"Europe/Berlin\"}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;t\nx1;2026-01-02T10:00:00Z\nx2;2026-01-03T11:00:00+01:00\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"t\": "
     "{\"type\": \"string\", \"format\": \"date-time\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "name,city\none,A\none,A\ntwo,B\n",
     "\"Item\", \"$comment\": \"no column has another value in each row: \\\"name\\\" is taken for "
     "the record id, and rows with the same one update the same record\", \"type\": \"object\", "
     "\"properties\": {\"city\": {\"type\": \"string\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \",\"}, \"columns\": {\"name\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "name,city\n,A\none,\n,B\n",
     "line 1: no column \"record_id\"; it must name the record that each row updates"},
    {"Item-1.csv", "# made by x\n# for y\nid,n\na,1\nb,2\n# end\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \",\", \"comment\": "
     "\"#\"}, \"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "A list\nfor you\nid,n,m\na,1,2\nb,2,3\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}, \"m\": {\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \",\", \"skipLines\": 2}, \"columns\": {\"id\": \"record_id\"}, \"version\": "
     "\"fetch\"}}"},
    {"Item-1.csv", "id,n,m\na,1,2\nb,2,3\nTotal (2 rows): 5\nTotal (3 rows): 7\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}, \"m\": {\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \",\", \"footer\": \"^(Total \\\\([0-9]+ rows\\\\): [0-9]+)\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id,n,m\na,1,2\nb,2,3\n***\nend of file\n\x1a",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}, \"m\": {\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \",\", \"footer\": \"^(end of file|\\\\*\\\\*\\\\*)\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id,n,m\na,1,2\nb,2,3\n,,5\n",
     "\"Item\", \"$comment\": \"\\\"m\\\" is taken for the record id\", \"type\": \"object\", "
     "\"properties\": {\"id\": {\"type\": \"string\"}, \"n\": {\"type\": \"integer\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"columns\": {\"m\": \"record_id\"}, "
     "\"version\": \"fetch\"}}"},
    {"Item-1.csv", "n1,id,n,m\n,a,1,2\n,b,2,3\n,,3,5\n",
     "\"Item\", \"$comment\": \"\\\"n\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n1\": "
     "{\"type\": \"string\"}, \"id\": {\"type\": \"string\"}, \"m\": {\"type\": \"integer\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"columns\": {\"n\": \"record_id\"}, "
     "\"version\": \"fetch\"}}"},
    {"Item-1.csv", "record_id,,n\na,,1\nb,,2\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "record_id,,n\na,x,1\nb,y,2\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"columns\": {\"\": null}, \"version\": "
     "\"fetch\"}}"},
    {"Item-1.csv", "id,n\na,\"\"\nb,5\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id\", \"type\": \"object\", "
     "\"properties\": {\"n\": {\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": "
     "\",\", \"quotedEmpty\": \"absent\"}, \"columns\": {\"id\": \"record_id\"}, \"version\": "
     "\"fetch\"}}"},
    {"Item-1.csv", "id,text\na,\"\"\nb,word\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id\", \"type\": \"object\", "
     "\"properties\": {\"text\": {\"type\": \"string\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \",\"}, \"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id\tn\na\t5\" x\nb\t7\" y\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \"\\t\", \"quote\": "
     "null}, \"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "sep=;\nid;n\na;1\nb;2\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;n\na;1\nb;2\nc\nd\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\", \"footer\": "
     "\"^(d|c)\"}, \"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"2026.csv", "id;n\na;1\nb;2\n",
     "\"2026.csv\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv",
     "id,name\na,M\xfcller\nb,Stra\xdf"
     "e\n",
     "\"Item\", \"$comment\": \"the file is not UTF-8, and nothing in it names its encoding: "
     "compare a word with an accent in the output of `rowferry validate --json` or export with the "
     "original; \\\"id\\\" is taken for the record id, and other columns have another value in "
     "each row as well\", \"type\": \"object\", \"properties\": {\"name\": {\"type\": "
     "\"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \",\", \"encoding\": "
     "\"windows-1252\"}, \"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv",
     "id,name\na,M\x81ller\nb,Stra\xe1"
     "e\n",
     "\"Item\", \"$comment\": \"the file is not UTF-8, and nothing in it names its encoding: "
     "compare a word with an accent in the output of `rowferry validate --json` or export with the "
     "original; \\\"id\\\" is taken for the record id, and other columns have another value in "
     "each row as well\", \"type\": \"object\", \"properties\": {\"name\": {\"type\": "
     "\"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \",\", \"encoding\": \"CP850\"}, "
     "\"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id,name\na,M\xc3\xbcller \xc3\xa4\xc3\xb6\xc3\xbc\nb,\xff\n",
     "\"Item\", \"$comment\": \"1 bytes are not UTF-8 while the rest is: rows in another encoding "
     "are rejected; \\\"id\\\" is taken for the record id, and other columns have another value in "
     "each row as well\", \"type\": \"object\", \"properties\": {\"name\": {\"type\": "
     "\"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"columns\": {\"id\": "
     "\"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;amount\na;(5,00)\nb;6,00\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"amount\": "
     "{\"type\": \"number\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"formats\": {\"amount\": {\"decimal\": \",\", \"sign\": "
     "\"parentheses\"}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;amount\na;5,00-\nb;6,00\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"amount\": "
     "{\"type\": \"number\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"formats\": {\"amount\": {\"decimal\": \",\", \"sign\": "
     "\"trailing\"}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;amount;q\na;0005,00;0012 kg\nb;0016,00;0013 kg\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"amount\": "
     "{\"type\": \"number\"}, \"q\": {\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, \"formats\": {\"amount\": "
     "{\"decimal\": \",\", \"padding\": \"0\"}, \"q\": {\"padding\": \"0\", \"unit\": \"kg\"}}, "
     "\"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;amount\na;5 kg\nb;6 g\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"amount\": "
     "{\"type\": \"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;amount\na;1 234,50\nb;12 345,60\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"amount\": "
     "{\"type\": \"number\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"formats\": {\"amount\": {\"decimal\": \",\", \"thousands\": \" "
     "\"}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;amount\na;1'234.50\nb;12'345.60\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"amount\": "
     "{\"type\": \"number\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"formats\": {\"amount\": {\"thousands\": \"'\"}}, \"version\": "
     "\"fetch\"}}"},
    {"Item-1.csv", "id;us;de\na;01/02/2026;01.02.2026 10:00\nb;12/31/2026;31.12.2026 11:00\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"us\": "
     "{\"type\": \"string\", \"format\": \"date\"}, \"de\": {\"type\": \"string\", \"format\": "
     "\"date-time\", \"$comment\": \"the file does not name the zone of its times\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, "
     "\"formats\": {\"us\": {\"date\": \"MM/DD/YYYY\"}, \"de\": {\"datetime\": \"DD.MM.YYYY "
     "hh:mm\", \"zone\": \"Europe/Berlin\"}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id,n\na,1\nb,2\nc,3\nd,4\ne,5\nf,six\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"string\", \"$comment\": \"a text because of \\\"six\\\" in line 7; 5 of 6 "
     "values look like numbers\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;word\na;true\nb;true\nc;false\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id\", \"type\": \"object\", "
     "\"properties\": {\"word\": {\"type\": \"boolean\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;word\na;x\nb;-\nc;x\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id\", \"type\": \"object\", "
     "\"properties\": {\"word\": {\"type\": \"string\", \"$comment\": \"\\\"-\\\" in line 3 may be "
     "a word for 'no value': \\\"absent\\\" declares it\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv",
     "id,a\nr0,a-\nr1,b-\nr2,c-\nr3,d-\nr4,e-\nr5,f-\nr6,g-\nr7,h-\nr8,i-\nr9,j-\nr10,k-\nr11,l-"
     "\nr12,m-\nr13,n-\nr14,o-\nr15,p-\nr16,aa-\nr17,bb-\nr18,cc-\nr19,dd-\nr20,ee-\nr21,ff-\nr22,"
     "gg-\nr23,hh-\nr24,ii-\nr25,jj-\nr26,kk-\nr27,ll-\nr28,mm-\nr29,nn-\nr30,oo-\nr31,pp-\nr32,"
     "aaa-\nr33,bbb-\nr34,ccc-\nr35,ddd-\nr36,eee-\nr37,fff-\nr38,ggg-\nr39,hhh-\nr40,iii-\nr41,"
     "jjj-\nr42,kkk-\nr43,lll-\nr44,mmm-\nr45,nnn-\nr46,ooo-\nr47,ppp-\nr48,aaaa-\nr49,bbbb-\nr50,"
     "cccc-\nr51,dddd-\nr52,eeee-\nr53,ffff-\nr54,gggg-\nr55,hhhh-\nr56,iiii-\nr57,jjjj-\nr58,kkkk-"
     "\nr59,llll-\nr60,mmmm-\nr61,nnnn-\nr62,oooo-\nr63,pppp-\nr64,aaaaa-\nr65,bbbbb-\nr66,ccccc-"
     "\nr67,ddddd-\nr68,eeeee-\nr69,fffff-\nr70,ggggg-\nr71,hhhhh-\nr72,iiiii-\nr73,jjjjj-\nr74,"
     "kkkkk-\nr75,lllll-\nr76,mmmmm-\nr77,nnnnn-\nr78,ooooo-\nr79,ppppp-\nr80,aaaaaa-\nr81,bbbbbb-"
     "\nr82,cccccc-\nr83,dddddd-\nr84,eeeeee-\nr85,ffffff-\nr86,gggggg-\nr87,hhhhhh-\nr88,iiiiii-"
     "\nr89,jjjjjj-\nr90,kkkkkk-\nr91,llllll-\nr92,mmmmmm-\nr93,nnnnnn-\nr94,oooooo-\nr95,pppppp-"
     "\nr96,aaaaaaa-\nr97,bbbbbbb-\nr98,ccccccc-\nr99,ddddddd-\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"a\": "
     "{\"type\": \"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "record_id;a;\nx;1;2\ny;2;3\nz;3;4\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": {\"\": null}, \"version\": "
     "\"fetch\"}}"},
    {"Item-1.csv", "id;d\nx;2026-02-28\ny;2026-02-31\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"d\": "
     "{\"type\": \"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;d\nx;30.12.26\ny;1.2.2026\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"d\": "
     "{\"type\": \"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;d;e\nx;1.2.2026;1/2/2026\ny;30.12.2026;3/4/2026\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"d\": "
     "{\"type\": \"string\", \"format\": \"date\"}, \"e\": {\"type\": \"string\", \"format\": "
     "\"date\", \"$comment\": \"1/2/2026 in line 2 may also be M/D/YYYY\"}}, \"x-rowferry\": "
     "{\"csv\": {\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, \"formats\": {\"d\": "
     "{\"date\": \"D.M.YYYY\"}, \"e\": {\"date\": \"D/M/YYYY\"}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;d\nx;-\ny;--\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"d\": "
     "{\"type\": \"string\", \"$comment\": \"\\\"-\\\" in line 2 may be a word for 'no value': "
     "\\\"absent\\\" declares it; \\\"--\\\" in line 3 may be a word for 'no value': "
     "\\\"absent\\\" declares it\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, "
     "\"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;n;m\nx;1,204;1,5\ny;12;2,25\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"number\"}, \"m\": {\"type\": \"number\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, \"formats\": {\"n\": "
     "{\"decimal\": \",\"}, \"m\": {\"decimal\": \",\"}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;n\nx;1,204\ny;12\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"number\", \"$comment\": \"1,204 in line 2 may also be written as "
     "{\\\"thousands\\\": \\\",\\\"}\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, "
     "\"columns\": {\"id\": \"record_id\"}, \"formats\": {\"n\": {\"decimal\": \",\"}}, "
     "\"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;code\nx;007\ny;012\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"code\": "
     "{\"type\": \"string\", \"$comment\": \"digits with zeros before them are kept as a text\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, "
     "\"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;n\nx;  5\ny; 12\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"formats\": {\"n\": {\"padding\": \" \"}}, \"version\": "
     "\"fetch\"}}"},
    {"Item-1.csv", "id;n\nx;12 %\ny;7\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"formats\": {\"n\": {\"unit\": \"%\"}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv",
     "id;n\nx;\xE2\x88\x92"
     "12\ny;7\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"formats\": {\"n\": {\"sign\": \"leading\"}}, \"version\": "
     "\"fetch\"}}"},
    {"Item-1.csv", "id;n\nx;$ 12.50\ny;$ 7.25\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"number\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"formats\": {\"n\": {\"unit\": \"$\"}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;n\nx;1_234,5\ny;2_345,6\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"number\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"formats\": {\"n\": {\"decimal\": \",\", \"thousands\": \"_\"}}, "
     "\"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;n\nx;-1.5\ny;-0.5\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"number\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;t\nx;01.02.2026 10:00:30\ny;31.02.2026 11:00:00\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"t\": "
     "{\"type\": \"string\", \"$comment\": \"digits with zeros before them are kept as a text\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": {\"id\": \"record_id\"}, "
     "\"version\": \"fetch\"}}"},
    {"Item-1.csv", "id|name|qty\n---+----+---\na1|one|1\na2|two|2\n(2 rows)\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"name\": "
     "{\"type\": \"string\"}, \"qty\": {\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \"|\", \"comment\": \"---\", \"footer\": \"^(\\\\([0-9]+ rows\\\\))\"}, "
     "\"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "#x\nid;n\na;1\n# middle\nb;2\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\", \"comment\": "
     "\"#\"}, \"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "customer no;code;sku\n1;a;x\n2;b;y\n",
     "\"Item\", \"$comment\": \"\\\"customer no\\\" is taken for the record id, and other columns "
     "have another value in each row as well\", \"type\": \"object\", \"properties\": {\"code\": "
     "{\"type\": \"string\"}, \"sku\": {\"type\": \"string\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \";\"}, \"columns\": {\"customer no\": \"record_id\"}, \"version\": "
     "\"fetch\"}}"},
    {"Item-1.csv", "nothing;kno\na;1\nb;2\n",
     "\"Item\", \"$comment\": \"\\\"nothing\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"kno\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
     "{\"nothing\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "id;a;b\nx;1;2\ny;2\nz;3\nw;4;5\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"a\": "
     "{\"type\": \"integer\"}, \"b\": {\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": "
     "{\"delimiter\": \";\", \"shortRows\": \"absent\"}, \"columns\": {\"id\": \"record_id\"}, "
     "\"version\": \"fetch\"}}"},
    {"Item-1.csv", "id,n\na,\"x\nb,5\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \",\", \"quote\": null}, "
     "\"columns\": {\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "1,2\n3,4\n",
     "none of the first 30 lines is a header row: save it with the names of its columns in one "
     "line"},
    {"Item-1.csv", "{\"a\":1}\n",
     "is JSON, not CSV: rename it to .ndjson; where an object continues on the next line, convert "
     "it with jq -c . first"},
    {"Item-1.csv", "\xef\xbb\xbfid,n\na,1\nb,2\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
     "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"columns\": "
     "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "", "the file is empty"},
    {"Item-1.csv", "record_id,n\na,1\n,2\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"version\": \"fetch\"}}"},
    {"Item.xlsx", "id,n\na,1\n", "a workbook is not read: save it as CSV (UTF-8)"},
    {"Item.ndjson", "no\n",
     "\"Item\", \"type\": \"object\", \"properties\": {}, \"x-rowferry\": {\"version\": "
     "\"required\"}}"},
    {"Item.ndjson",
     "{\"recordId\":\"a\",\"version\":1,\"fields\":{\"d\":\"2026-02-28\",\"n\":1}}\n{\"recordId\":"
     "\"b\",\"version\":1,\"fields\":{\"d\":\"2026-02-27\",\"n\":null}}\n{\"recordId\":\" "
     "c\",\"version\":1,\"fields\":{\"d\":\"2026-02-27\",\"n\":true}}\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"d\": {\"type\": \"string\", \"format\": "
     "\"date\"}, \"n\": {\"type\": [\"null\", \"boolean\", \"integer\"], \"$comment\": \"a null in "
     "line 2; a boolean in line 3; a number in line 1\"}}, \"x-rowferry\": {\"trim\": true, "
     "\"version\": \"required\"}}"},
    {"Item.ndjson", "{\"recordId\":\"a\",\"version\":1,\"fields\":{}}\n",
     "\"Item\", \"type\": \"object\", \"properties\": {}, \"x-rowferry\": {\"version\": "
     "\"required\"}}"},
    {"Item.ndjson",
     "{\"recordId\":\"a\",\"version\":1,\"fields\":{\"b\":true,\"t\":\"\"}}\n{\"recordId\":\"b\","
     "\"fields\":{\"t\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy\"}}\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"b\": {\"type\": \"boolean\"}, \"t\": "
     "{\"type\": \"string\"}}, \"x-rowferry\": {\"version\": \"fetch\"}}"},
    {"Item-1.csv", "id\na\nb\n",
     "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id\", \"type\": \"object\", "
     "\"properties\": {}, \"x-rowferry\": {\"csv\": {\"delimiter\": \",\"}, \"columns\": {\"id\": "
     "\"record_id\"}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "name;record_id;n\nx;a;1\nx;a;2\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\"}, \"n\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"version\": "
     "\"fetch\"}}"},
    {"Item-1.csv", "record_id;t\nx;2026-01-02T10:00:00Z\ny;2026-01-02T25:00:00Z\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"t\": {\"type\": \"string\", \"$comment\": "
     "\"a text because of line 3\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, "
     "\"version\": \"fetch\"}}"},
    {"Item-1.csv", "record_id;n;m\nw;NULL;NULL\nx;N/A;N/A\ny;5;6\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\"}, \"m\": "
     "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\", \"absent\": "
     "[\"NULL\", \"N/A\"]}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "record_id;n\nw;NULL\nx;N/A\ny;5\n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"formats\": {\"n\": {\"absent\": "
     "[\"NULL\", \"N/A\"]}}, \"version\": \"fetch\"}}"},
    {"Item-1.csv", "record_id;n\nw;12 kg \nx;13 kg \n",
     "\"Item\", \"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\"}}, "
     "\"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"formats\": {\"n\": {\"padding\": \" \", "
     "\"unit\": \"kg\"}}, \"version\": \"fetch\"}}"},
};

/* Writes the schema file in one line, without what all of them begin with. */
static void fold(const char *schema, char *out)
{
    static const char start[] =
        "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": ";

    assert_memory_equal(schema, start, sizeof start - 1);
    for (schema += sizeof start - 1; *schema; schema++) {
        if (*schema != '\n') {
            *out++ = *schema;
            continue;
        }
        schema += strspn(schema + 1, " ");
        if (out[-1] == ',')
            *out++ = ' ';
    }
    *out = '\0';
}

static bool suggest(const struct scene *scene, const char *name, const char *zone,
                    struct suggestion *suggestion, struct err *err)
{
    const struct ingest_options options = {0};

    return ingest_suggest(&options, at(scene, name), zone, suggestion, err);
}

static void each_file_has_its_schema(void **state)
{
    struct scene *scene = *state;
    struct suggestion suggestion;
    struct err err = {0};
    char folded[8192];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        put(scene, files[i].name, files[i].text);
        if (suggest(scene, files[i].name, "Europe/Berlin", &suggestion, &err)) {
            assert_true(buf_span(&suggestion.schema).size < sizeof folded);
            fold(buf_text(&suggestion.schema), folded);
        } else {
            snprintf(folded, sizeof folded, "%s", strstr(err.text, ": ") + 2);
        }
        assert_string_equal(folded, files[i].schema);
        buf_release(&suggestion.schema);
    }
}

static void put_bytes(const struct scene *scene, const char *name, const char *bytes, size_t size)
{
    FILE *file = fopen(at(scene, name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void suggests(const struct scene *scene, const char *name, const char *zone,
                     const char *schema)
{
    struct suggestion suggestion;
    struct err err = {0};
    char folded[8192];

    if (!suggest(scene, name, zone, &suggestion, &err))
        fail_msg("%s", err.text);
    fold(buf_text(&suggestion.schema), folded);
    assert_string_equal(folded, schema);
    buf_release(&suggestion.schema);
}

static void utf_16_is_found_with_and_without_its_mark(void **state)
{
    static const char little[] = "\xFF\xFEi\0d\0;\0n\0\n\0a\0;\0"
                                 "1\0\n\0b\0;\0"
                                 "2\0\n";
    static const char big[] = "\xFE\xFF\0i\0d\0;\0n\0\n\0a\0;\0"
                              "1\0\n\0b\0;\0"
                              "2\0\n";
    static const char marked[] =
        "\"Item\", \"$comment\": \"\\\"id\\\" is taken for the record id, and other columns have "
        "another value in each row as well\", \"type\": \"object\", \"properties\": {\"n\": "
        "{\"type\": \"integer\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \";\"}, \"columns\": "
        "{\"id\": \"record_id\"}, \"version\": \"fetch\"}}";
    struct scene *scene = *state;
    char unmarked[1024];
    const char *rest = strstr(marked, "}, \"columns\"");

    put_bytes(scene, "Item-1.csv", little, sizeof little);
    suggests(scene, "Item-1.csv", "UTC", marked);
    put_bytes(scene, "Item-2.csv", big, sizeof big - 1);
    suggests(scene, "Item-2.csv", "UTC", marked);
    snprintf(unmarked, sizeof unmarked, "%.*s, \"encoding\": \"UTF-16LE\"%s", (int)(rest - marked),
             marked, rest);
    put_bytes(scene, "Item-3.csv", little + 2, sizeof little - 2);
    suggests(scene, "Item-3.csv", "UTC", unmarked);
}

static void a_zone_that_does_not_exist_leaves_times_a_text(void **state)
{
    struct scene *scene = *state;

    put(scene, "Item-1.csv", "record_id;t;d\na;2026-01-02 10:00:00;1.2.2026\n");
    suggests(
        scene, "Item-1.csv", "No/Where",
        "\"Item\", \"type\": \"object\", \"properties\": {\"t\": {\"type\": \"string\"}, \"d\": "
        "{\"type\": \"string\", \"format\": \"date\"}}, \"x-rowferry\": {\"csv\": "
        "{\"delimiter\": \";\"}, \"formats\": {\"d\": {\"date\": \"D.M.YYYY\"}}, \"version\": "
        "\"fetch\"}}");
}

/* Larger than the parts at its beginning and its end that are looked at: a value in the middle
 * still decides a type, and the footer is found. */
static void a_large_file_is_read_to_its_end(void **state)
{
    struct scene *scene = *state;
    FILE *file = fopen(at(scene, "Item-1.csv"), "w");

    assert_non_null(file);
    fputs("record_id,n,note\n", file);
    for (int i = 0; i < 12000; i++)
        fprintf(file, "R-%d,%d%s,a note of %d\n", i, i, i == 7000 ? ".5" : "", i);
    fputs("Total: 12000\n", file);
    fclose(file);
    suggests(scene, "Item-1.csv", "UTC",
             "\"Item\", \"type\": \"object\", \"properties\": {\"n\": {\"type\": \"number\"}, "
             "\"note\": {\"type\": \"string\"}}, \"x-rowferry\": {\"csv\": {\"delimiter\": \",\", "
             "\"footer\": \"^(Total: [0-9]+)\"}, \"version\": \"fetch\"}}");
}

/* Two rows of sixty with too few or too many cells are faults of theirs; comments and lines at the
 * end are declared. */
static void few_odd_rows_change_nothing(void **state)
{
    struct scene *scene = *state;
    FILE *file = fopen(at(scene, "Item-1.csv"), "w");
    struct suggestion suggestion;
    struct err err = {0};

    assert_non_null(file);
    fputs("# made by an ERP\n# at night\nid;a;b\n", file);
    for (int i = 0; i < 60; i++)
        fprintf(file, "x%d;%d;%d%s\n%s", i, i, i % 7, i == 7 || i == 9 ? ";9" : "",
                i == 20              ? "# page 2\n\n"
                : i == 30 || i == 31 ? "y;1\n"
                                     : "");
    fputs("Total 60\nTotal 61\n# end\n\nchecked by [us].\n\x1A\n", file);
    fclose(file);
    if (!suggest(scene, "Item-1.csv", "UTC", &suggestion, &err))
        fail_msg("%s", err.text);
    assert_non_null(strstr(buf_text(&suggestion.schema), "\"comment\": \"#\""));
    assert_non_null(strstr(buf_text(&suggestion.schema),
                           "\"footer\": \"^(checked by \\\\[us\\\\]\\\\.|Total [0-9]+)\""));
    assert_null(strstr(buf_text(&suggestion.schema), "Rows\""));
    buf_release(&suggestion.schema);
}

/* Excel's first line needs no declaration, and neither does a byte order mark. */
static void a_line_that_names_the_delimiter_is_no_header(void **state)
{
    struct scene *scene = *state;
    struct suggestion suggestion;
    struct err err = {0};

    put(scene, "Item-1.csv", "\xEF\xBB\xBFsep=;\nid;a\nx1;1\nx2;2\n");
    if (!suggest(scene, "Item-1.csv", "UTC", &suggestion, &err))
        fail_msg("%s", err.text);
    assert_non_null(strstr(buf_text(&suggestion.schema), "\"delimiter\": \";\""));
    assert_null(strstr(buf_text(&suggestion.schema), "skip"));
    buf_release(&suggestion.schema);
}

static void no_more_than_2000_properties_are_suggested(void **state)
{
    struct scene *scene = *state;
    FILE *file = fopen(at(scene, "Item.ndjson"), "w");
    struct suggestion suggestion;
    struct err err = {0};

    assert_non_null(file);
    fputs("{\"recordId\":\"a\",\"version\":1,\"fields\":{\"n0\":0", file);
    for (int i = 1; i <= 2000; i++)
        fprintf(file, ",\"n%d\":%d", i, i);
    fputs("}}\n", file);
    fclose(file);
    assert_true(suggest(scene, "Item.ndjson", "UTC", &suggestion, &err));
    assert_non_null(strstr(buf_text(&suggestion.schema), "\"n1999\": {\"type\": \"integer\"}\n"));
    assert_null(strstr(buf_text(&suggestion.schema), "\"n2000\""));
    buf_release(&suggestion.schema);
}

static void what_cannot_be_read_is_an_error(void **state)
{
    const struct ingest_options options = {0};
    struct scene *scene = *state;
    struct suggestion suggestion;
    struct err err = {0};

    assert_false(suggest(scene, "nothing.csv", "UTC", &suggestion, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(suggest(scene, "schema", "UTC", &suggestion, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_false(ingest_suggest(&options, "-", "UTC", &suggestion, &err));
    assert_string_equal(err.text,
                        "standard input cannot be read twice: save it to a file and name that");
    put(scene, "Item.dat", "id,n\na,1\n");
    assert_false(suggest(scene, "Item.dat", "UTC", &suggestion, &err));
    assert_int_equal(err.kind, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INGEST_TEST(each_file_has_its_schema),
        INGEST_TEST(utf_16_is_found_with_and_without_its_mark),
        INGEST_TEST(a_zone_that_does_not_exist_leaves_times_a_text),
        INGEST_TEST(a_large_file_is_read_to_its_end),
        INGEST_TEST(few_odd_rows_change_nothing),
        INGEST_TEST(a_line_that_names_the_delimiter_is_no_header),
        INGEST_TEST(no_more_than_2000_properties_are_suggested),
        INGEST_TEST(what_cannot_be_read_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
