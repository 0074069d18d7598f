// The words that tell what stands beside them, in the languages of Europe and the Americas. All in small letters.

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Before a name, and before nothing else. */
export const titles: ReadonlySet<string> = words(
  `mr mrs ms dr prof mme mlle monsieur madame mademoiselle herr herrn frau fräulein señor señora señorita sra srta
   signor signora signorina dott dottoressa sig dhr mevr mevrouw senhor senhora doutor doutora pani monsignor messrs
   г-н г-жа господин госпожа`,
);

/** Before a name, and before other things as well: only before a word of the lists. */
export const weakTitles: ReadonlySet<string> = words(
  'sr sir miss madam don doña dona lord lady fr hr pan mw m captain capt sgt lt col gen judge professor doctor dra doktor ing maître me rev st',
);

/** Between the words of a name. */
export const particles: ReadonlySet<string> = words(
  'van de der den von vom zu zum zur la le les di da do dos das du del della dello degli dei al el bin ibn ben bint abu af av ter ten te y e i und',
);

/** What is written behind a name. */
export const suffixes: ReadonlySet<string> = words('jr sr ii iii iv phd md esq');

/** `My name is …`: two or three words, the last right before the name. */
export const namings: RegExp =
  /(?<![\p{L}\p{M}])(?:(?:name|namens|called|call me|calls me|named) ?(?:is|ist|=)?|my name'?s|i am|i'm|this is|it's|here is|ich heiße|ich heisse|ich bin|mein name ist|je m'appelle|je suis|mon nom est|me llamo|mi nombre es|soy|mi chiamo|il mio nome è|sono|meu nome é|o meu nome é|chamo-me|me chamo|ik heet|ik ben|mijn naam is|nazywam się|mam na imię|jeg heter|jeg hedder|jag heter|mitt namn är|nimeni on|adım|меня зовут) {1,2}$/iu;

/** What `namings` end in. */
export const namingEnds: ReadonlySet<string> = words(
  `is ist name names namens called me calls named name's am i'm it's heiße heisse bin m'appelle suis est llamo soy chiamo
   è sono é chamo-me chamo heet ben nazywam się imię heter hedder namn är on adım зовут`,
);

/** Of these the name may be any words with capitals; the others of `namings` are asked of the lists. */
export const surely: RegExp =
  /(?:name'?s|my name is|heiße|heisse|name ist|m'appelle|nom est|me llamo|nombre es|mi chiamo|nome è|nome é|chamo-me|me chamo|ik heet|naam is|nazywam się|na imię|heter|hedder|namn är|меня зовут) {1,2}$/iu;

/** Before a name in a letter. */
export const greetings: ReadonlySet<string> = words(
  `dear hi hello hey hallo liebe lieber geehrte geehrter cher chère bonjour salut hola querido querida estimado estimada caro cara
   ciao gentile egregio olá oi prezado prezada beste geachte hoi kære hej drogi droga szanowny szanowna merci thanks gracias danke obrigado grazie
   regards sincerely cheers grüße grüßen cordialement saludos atentamente saluti groeten pozdrawiam best yours cc attn sehr`,
);

/** Before a colon and a name. */
export const labels: ReadonlySet<string> = words(
  `name names patient customer client contact employee manager user from to attendee attendees author agent caller sender recipient
   subject witness plaintiff defendant owner holder beneficiary applicant candidate assignee reporter supervisor doctor physician
   kunde kundin mitarbeiter mitarbeiterin ansprechpartner versicherter absender empfänger inhaber mitarbeiterdaten
   cliente paciente empleado empleada contacto nombre destinatario remitente titular registro nom client patiente employé employe salarié
   destinataire expéditeur fiche scheda dipendente nome paziente destinatario mittente funcionário funcionario paciente utente
   klant medewerker naam werknemer werknemergegevens kund anställd namn medarbejder ansat navn klient pacjent pracownik imię nazwisko
   signed teacher student guest passenger driver member spouse guardian kin profile attorney resident tenant buyer seller lawyer nurse
   insured cardholder versicherte patientin kundenname ansprechpartnerin auftraggeber assuré assurée bénéficiaire assegurado assicurato segurado
   potilas asiakas nimi jméno příjmení pacient pacientka zákazník név beteg ügyfél nume prenume pacjentka adı soyad soyadı hasta müşteri
   ime prezime pacijent vardas pavardė vārds uzvārds isik patsient ismi nafn khách nama pasien pelanggan
   имя фамилия фио пациент пациентка клиент сотрудник заявитель получатель отправитель піб ім'я прізвище пацієнт клієнт име фамилно
   όνομα επώνυμο ονοματεπώνυμο ασθενής πελάτης անուն ազգանուն հիվանդ հաճախորդ`,
);

/** Those that stand before what things are called as often as before a name: there the name itself must be one. */
export const ofAnything: ReadonlySet<string> = words(
  'name names subject profile nom naam nome nombre registro nimi ime ismi nama',
);

/** Before a colon and something with capitals that is nobody's name. */
export const otherLabels: ReadonlySet<string> = words(
  `company employer organization organisation empresa azienda entreprise unternehmen bedrijf firma employeur empregador empleador
   product project team department brand model title city town country region street song album book film ship`,
);

/** Words with a capital that stand beside names and are none: what follows a given name and ends it. */
export const notNames: ReadonlySet<string> = words(
  `street st avenue ave road rd drive dr lane ln boulevard blvd hotel inn airport university college school hospital church park river lake
   island bay beach city county state station square tower building center centre museum bank inc corp ltd llc gmbh ag co company group
   holdings foundation institute society association club team league cup award prize day night week month year season summer winter spring
   royal princess queen king president the a an and or but for with from in on at of to by is was are he she it they we you i his her their our my your this that who what when where why how
   if as not no yes please thanks thank regards sincerely best dear hi hello mr mrs ms dr prof sir madam miss
   select distinct null else end case when then where join union limit values insert update delete create alter drop primary foreign constraint
   default true false undefined void return function class import export const type
   order invoice account card phone email mail id ssn dob address name date number ticket case claim project server database table
   monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december
   german english french spanish italian polish dutch israeli danish swedish russian chinese japanese korean indian
   und der die das ist hat war mit von für im am aus bei nach sehr rechnung auftrag konto kunde et est le la les un une des dans pour sur avec
   y el los las es fue con por para una e o os as il lo gli een het en is met`,
);

/** Before the place where somebody is at home; two or three words, the last right before the place. */
export const homes: RegExp =
  /(?<![\p{L}\p{M}])(?:live|lives|lived|living|reside|resides|resided|residing|born|raised|grew up|stay|stays|staying|based|settled) (?:in|at|near) (?:the )?$|(?<![\p{L}\p{M}])(?:moved|moving|move|relocated|relocating|came|comes|come|i'm|am|originally|native|hail|hails|is|are|back|coming|moved here|flew|travels|travelling|traveling) (?:to|from|of) (?:the )?$|(?<![\p{L}\p{M}])(?:wohnt|wohne|wohnhaft|lebt|lebe|geboren) in $|(?<![\p{L}\p{M}])(?:komme|kommt|stamme|stammt|zieht|ziehe) (?:aus|nach) $|(?<![\p{L}\p{M}])(?:habite|habitant|vit|vis|né|née|réside) (?:à|en|au|aux) $|(?<![\p{L}\p{M}])(?:vive|vivo|nacido|nacida|nació|reside|resido) en $|(?<![\p{L}\p{M}])(?:vive|vivo|abita|abito|nato|nata|residente) (?:a|in) $|(?<![\p{L}\p{M}])(?:moro|mora|vivo|nasci|nasceu|resido) (?:em|no|na) $|(?<![\p{L}\p{M}])(?:woon|woont|woonachtig|geboren) (?:in|te) $/iu;
