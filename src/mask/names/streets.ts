// What streets are called, in small letters: by whole words and by how long words end.

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Behind the name of a street that has its number before it: `12 Main Street`. */
export const behindName: ReadonlySet<string> = words(
  `street st avenue ave av road rd drive dr lane ln boulevard blvd way court ct place pl terrace ter circle cir square sq
   parkway pkwy highway hwy alley close crescent cres grove gardens mews trail walk heights loop row rise vale quay wharf
   turnpike plaza esplanade parade expressway bypass broadway hill ridge`,
);

/** Before the name: `rue de la Paix`, `Via Roma`. The number stands before it or behind the name. */
export const beforeName: ReadonlySet<string> = words(
  `rue avenue boulevard bd chemin allée allee impasse quai route cours place faubourg
   calle avenida avda av paseo plaza carrer camino ronda carretera ctra travesía
   via viale piazza corso vicolo largo strada contrada lungomare
   rua travessa praça alameda estrada rodovia
   ul ulica al aleja plac os улица ул проспект пр пл площадь переулок бульвар bulevardul calea str`,
);

/** Behind the name, and the number behind that: `Berliner Straße 12`. */
export const betweenNameAndNumber: ReadonlySet<string> = words(
  `straße strasse str weg gasse platz allee ufer damm ring chaussee straat laan plein gate gata gatan vej väg vägen vei
   utca u út útja tér ulice ulica cesta street st road улица ул`,
);

/** Words for streets that mean something else in an English sentence: there they have no capital. */
export const alsoEnglish: ReadonlySet<string> = words('ring gate street st road');

/** A word of at least seven letters that ends so, before a number: `Hauptstraße 12`. */
export const endings: readonly string[] =
  `straße strasse str weg gasse platz allee ufer damm ring steig stieg straat stasse laan gracht
   plein kade dijk singel gata gatan vägen väg vej vejen vei veien gade gate bakken katu tie kuja gränd stien torget braut
   utca vegur gårdsvägen`.split(/\s+/);

/** Inside of an address, before its number or letter: `Suite 500`. */
export const units: ReadonlySet<string> = words(
  'apt apartment suite ste unit floor fl room rm box apto app piso puerta int top stiege bus flat bldg building interno scala wohnung кв',
);

/** Right before an address. */
export const addressCue: RegExp =
  /(?<![\p{L}\p{M}])(?:(?:address|addr|adresse|anschrift|dirección|direccion|indirizzo|endereço|endereco|morada|adres|domicilio|residence|адрес)(?: \/ address)?(?: (?:on file|of record|is|to|with|as|here|to the same|ist|es|est|è|é))?:?|(?:resid(?:es|ing)|lives?|living|located|wohnhaft|domiciled) at|deliver(?:ed)? to|ship(?:ped)? to:?|return to) {0,2}\n{0,2} {0,2}$/iu;

/** Two letters of a state or province before a postal code. */
export const states: ReadonlySet<string> = words(
  `AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR PA RI SC SD TN
   TX UT VA VT WA WI WV WY AA AE AP ON QC BC AB MB SK NS NB NL PE NT NU YT NSW VIC QLD TAS ACT SP RJ MG RS RN PR BA`,
);
