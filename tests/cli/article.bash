# An object whose files a German ERP writes in its own way.

# schema INSIDE: schema/Article.json with that inside x-rowferry
schema() {
    cat >schema/Article.json <<JSON
{
  "type": "object",
  "properties": {
    "name": {"type": "string"},
    "price": {"type": "number", "exclusiveMinimum": 0},
    "stock": {"type": ["integer", "null"]},
    "counted": {"type": "string"},
    "blocked": {"type": "boolean"},
    "sizes": {"type": "array"}
  },
  "x-rowferry": {$1}
}
JSON
}

GERMAN='
  "csv": {"delimiter": ";", "encoding": "windows-1252"},
  "columns": {"Artikel": "record_id", "Stand": "version", "Name": "name", "Preis": "price",
              "Bestand": "stock", "Gezählt": "counted", "Gesperrt": "blocked", "Bemerkung": null},
  "formats": {"price": {"decimal": ",", "thousands": "."}, "stock": {"decimal": ",", "thousands": "."},
              "counted": {"date": "DD.MM.YYYY"},
              "blocked": {"boolean": {"true": ["ja", "J"], "false": ["nein", "N"]}}}'
