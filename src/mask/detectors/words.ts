/* Table: what people call these numbers in their own languages, abbreviations and names of columns among them. */
import type { Detector } from '../detector.ts';

const passport =
  'passport no|passport num|passport nbr|passport id|us passport|u s passport|passeport|passeport n|pasaporte|passaporte|passaporto|reisepass|paspoort|paspoortnummer|paszport|numer paszportu|cestovní pas|číslo pasu|pașaport|pasaport|pasaport no|útlevél|útlevélszám|passi|passinumero|pass nr|паспорт|паспорта|загранпаспорт|διαβατήριο|護照|护照|护照号|パスポート|旅券番号|여권번호|여권|جواز السفر|رقم جواز السفر|דרכון|पासपोर्ट|หนังสือเดินทาง|hộ chiếu|paspor|nomor paspor';

/** By the detector's name, parted by bars: words of context beside its own (see `context` of a detector). */
const words: Readonly<Record<string, string>> = {
  US_SSN:
    'ss number|ss no|ssn nbr|soc sec|soc sec no|soc sec num|social sec|ssnum|ssno|social number|numéro de sécurité sociale|seguro social|número de seguridad social|ssn last',
  US_ITIN: 'individual taxpayer identification number|taxpayer identification|taxpayer id|itin no',
  US_EIN:
    'employer id|employer id number|employer identification number|federal ein|fein|ein no|tax identification number',
  US_NPI: 'npi no|national provider identifier|provider identifier|provider id',
  US_MBI: 'mbi no|medicare id|medicare beneficiary|medicare number|medicare claim|hicn',
  MEDICAL_LICENSE: 'dea no|dea registration|dea license|prescriber dea|medical licence',
  ABA_ROUTING_NUMBER:
    'rtn no|routing transit|transit number|bank routing|ach routing|wire routing|routing no|fedwire',
  US_BANK_NUMBER:
    'checking account|savings account|checking|savings|deposit account|bank acct no|acct|kontonummer|konto nr|kontonr|ktonr|kto nr|rekeningnummer|numéro de compte|numero de compte|n de compte|número de cuenta|numero de cuenta|nro de cuenta|cuenta bancaria|cuenta corriente|numero di conto|numero conto|conto corrente|número da conta|numero da conta|conta corrente|conta bancária|numer konta|numer rachunku|rachunek|číslo účtu|cislo uctu|számlaszám|hesap no|hesap numarası|номер счета|номер счёта|расчетный счет|номер рахунку|bankkonto|kontonummeret|tilinumero|账号|账户|帳號|銀行帳號|口座番号|계좌번호|رقم الحساب|מספר חשבון|खाता संख्या|เลขที่บัญชี|nomor rekening|no rekening|số tài khoản',
  CREDIT_CARD:
    'card no|card num|card nbr|cardno|credit card number|payment card|bank card|card pan|kreditkarte|kreditkartennummer|kartennummer|karten nr|carte bancaire|carte bleue|numéro de carte|numero de carte|carte de crédit|tarjeta|tarjeta de crédito|número de tarjeta|carta di credito|numero carta|cartão|cartao|cartão de crédito|creditcard|creditcardnummer|kaartnummer|karta|numer karty|karta kredytowa|číslo karty|kreditkort|kortnummer|luottokortti|kredi kartı|kart numarası|кредитная карта|номер карты|карта|картка|bankkártya|card bancar|信用卡|卡号|信用卡号|クレジットカード|カード番号|신용카드|카드번호|بطاقة ائتمان|رقم البطاقة|כרטיס אשראי|क्रेडिट कार्ड|บัตรเครดิต|kartu kredit|thẻ tín dụng|maestro|unionpay',
  CA_SIN:
    "social insurance no|sin no|sin num|nas|numéro d'assurance sociale|numéro d’assurance sociale|no d'assurance sociale|no d’assurance sociale|n d'assurance sociale|assurance sociale",
  UK_NHS: 'nhs no|nhs num|nhs id|nhs patient',
  UK_NINO: 'ni no|n i number|ni num|nino no|insurance number|nat ins|nat ins no|national insurance no',
  UK_UTR: 'utr no|tax reference|unique tax reference|self assessment',
  UK_DRIVING_LICENCE:
    'driving licence no|driving licence number|driver licence number|licence number|uk licence',
  IE_PPS: 'ppsn no|pps no|pps number',
  DE_TAX_ID:
    'steuer idnr|steueridnr|steuer identifikationsnummer|steuerliche identifikationsnummer|steuerliche idnr|steuer identnummer|steuer identifikation|id nr steuer|german tax id|tax id de|tin de',
  DE_TAX_NUMBER: 'st nr|steuer nr|steuernr|st nummer',
  DE_SOCIAL_SECURITY:
    'sv nummer|sv nr|svnr|sozialversicherungsnummer|sozialversicherungsausweis|rentenversicherungsnummer|rentenversicherungsnr|rv nummer|rvnr|versicherungsnr|vsnr|sozialvers',
  DE_ID_CARD: 'perso|perso nr|personalausweis nr|ausweis nr|identitätskarte',
  DE_PASSPORT: 'reisepass nr|pass nr|passnr|reisepassnr',
  DE_HEALTH_INSURANCE:
    'krankenversichertennr|krankenkasse|kv nummer|kvnr|versichertennr|gesundheitskarte|egk nr',
  DE_VAT_ID:
    'ust idnr|ust id|ustidnr|ust id nr|umsatzsteuer id|umsatzsteueridentifikationsnummer|mwst nummer',
  DE_FUEHRERSCHEIN: 'führerschein nr|fuehrerscheinnummer|führerscheinnr',
  FR_NIR:
    'numéro de sécurité sociale|numero de securite sociale|n de sécurité sociale|no de sécurité sociale|num secu|num sécu|numéro de sécu|n sécu|no sécu|n ss|numéro insee|nir insee|carte vitale|immatriculation sécurité sociale|french social security',
  FR_TAX_ID:
    'n fiscal|no fiscal|numéro spi|num fiscal|référence fiscale|reference fiscale|identifiant fiscal|nif français',
  FR_SIRET: 'n siret|numéro siret|no siret',
  FR_SIREN: 'n siren|numéro siren|no siren',
  IT_FISCAL_CODE: 'cod fisc|cod fiscale|codice fisc|cf|cf paziente|codicefiscale|tax code',
  IT_VAT_CODE: 'p iva|part iva|partita i v a|iva|numero partita iva',
  IT_IDENTITY_CARD: "carta d'identita|carta d’identità|carta identità|numero carta d'identità|c i",
  IT_DRIVER_LICENSE: 'patente nr|numero patente|patente n',
  IT_PASSPORT: 'passaporto n|numero passaporto',
  ES_NIF:
    'dni nif|num dni|documento nacional de identidad|número de dni|documento de identidad|dni no|nif no',
  ES_NIE: 'identidad de extranjero|número de extranjero|numero de extranjero|tarjeta de residencia',
  ES_CIF: 'cif no|código de identificación fiscal',
  ES_PASSPORT: 'núm pasaporte|n pasaporte|numero de pasaporte',
  PT_NIF:
    'número de contribuinte|numero de contribuinte|n contribuinte|nº contribuinte|contribuinte nr|identificação fiscal|identificacao fiscal|nif português',
  PT_CC: 'cc número|bilhete de identidade|cartão do cidadão|cartao do cidadao',
  NL_BSN: 'bsn nummer|burgerservicenr|sofi|sofi nummer|burger service nummer|sociaal fiscaal nummer',
  BE_NATIONAL_NUMBER:
    'rijksregister|rijksregister nr|rrn|insz nummer|niss|numéro niss|numéro national|numero national|n national|registre national|numéro de registre national|nationaal nummer|nn belge|identificatienummer sociale zekerheid',
  LU_MATRICULE: 'matricule national|numéro matricule|matricule nr|cns matricule',
  PL_PESEL: 'nr pesel|pesel nr|numeru pesel|numerem pesel|peselu',
  PL_NIP: 'nr nip|numer nip|numer identyfikacji podatkowej|identyfikacji podatkowej',
  CZ_BIRTH_NUMBER:
    'rč|rc|rod č|rod čís|rod číslo|rodného čísla|rodným číslem|rodnému číslu|rodneho cisla|rodne c|birth no|rodnecislo',
  RO_CNP: 'cod numeric personal|codul numeric personal|codul numeric',
  BG_EGN: 'единен граждански номер|граждански номер|egn no',
  HR_OIB: 'osobni identifikacijski|oib broj|broj oib',
  RS_JMBG:
    'jmbg broj|јмбг|матични број|jedinstveni matični broj|enotna matična številka|embs|jmb|maticni broj',
  HU_TAJ: 'taj száma|társadalombiztosítási|társadalombiztosítási azonosító|tb szám|taj azonosító',
  HU_TAX_ID: 'adóazonosító szám|adóazonosító jele|adószám|adoszam',
  SE_PERSONNUMMER: 'pers nr|persnr|person nr|personnumret|samordningsnr|svenskt personnummer|person id',
  SE_ORGANISATIONSNUMMER: 'org nummer|organisationsnr|organisationsnumret',
  NO_FODSELSNUMMER: 'fødselsnr|fodselsnr|foedselsnummer|f nr|d nummer|norsk personnummer|fødselsnummeret',
  DK_CPR: 'cpr nr|cpr no|cpr number|personnummer|person nr|dansk personnummer',
  FI_PERSONAL_IDENTITY_CODE:
    'henkilötunnukseni|henkilötunnuksensa|henkilotunnus|sotu|sosiaaliturvatunnus|personal identity code',
  IS_KENNITALA: 'kennitölu|kennitalan|kennitölur|kt no',
  EE_ISIKUKOOD:
    'isikukoodi|isikukoodiga|isiku kood|asmens kodą|asmens kodo|asmens kodu|estonian id|personal code',
  LV_PERSONAS_KODS: 'personas kodu|personas koda|personas kodam|pers kods|personas kodi',
  CH_AHV:
    'ahv nr|ahvnr|ahvn13|avs nummer|numéro avs|n avs|no avs|numero avs|oasi|sozialversicherungsnummer|sozialversicherungsnr|navs13|nss avs|ahv versichertennummer',
  AT_SVNR: 'sv nr|svnr|sozialversicherungsnr|versicherungsnr|sv nummer|sozialversicherungsnummer|vsnr|ecard',
  GR_AMKA: 'αριθμός αμκα|amka no|αριθμός μητρώου κοινωνικής ασφάλισης',
  GR_TIN: 'αριθμός φορολογικού μητρώου|φορολογικού μητρώου|afm no|greek tax',
  TR_NATIONAL_ID:
    't c kimlik|tckimlik|kimlik numarası|kimlik numaram|kimlik numaranız|kimlik numarasını|t c no|tc kimlik numarası|vatandaşlık numarası|tc',
  RU_SNILS:
    'номер снилс|снилса|снилсом|страховой номер|страховой номер индивидуального лицевого счета|пенсионное страхование',
  RU_INN: 'номер инн|идентификационный номер налогоплательщика|инна|inn no',
  RU_PASSPORT:
    'паспорта|паспортом|паспортные данные|серия и номер|серия паспорта|серия|номер паспорта|passport rf|passport ru|российский паспорт|passport series',
  UA_RNTRC:
    'ідентифікаційний код|податковий номер|ідентифікаційний номер|реєстраційний номер|код платника|код платника податків|ипн|ipn|inn ua|rnokpp|tin ua',
  KZ_IIN: 'жеке сәйкестендіру нөмірі|индивидуальный идентификационный номер|iin no',
  IL_ID:
    'ת.ז|ת"ז|ת״ז|תז|מס זהות|מס׳ זהות|מספר תעודת זהות|זהות|mispar zehut|zehut|tz|israeli id|israel id|id israel|tehudat zehut',
  ZA_ID_NUMBER:
    'sa id|rsa id|sa id number|rsa identity|id no|identity no|identity document|south african identity|id nr',
  NG_NIN: 'nin no|nin slip|national identity number|nigerian nin',
  EG_NATIONAL_ID:
    'رقم قومي|رقم البطاقة|بطاقة الرقم القومي|egypt id|egypt national id|egyptian national id|egypt national|raqam qawmi',
  SA_NATIONAL_ID:
    'الهوية الوطنية|رقم الهوية الوطنية|اقامة|إقامة|iqama no|iqama number|saudi national id|saudi national',
  AE_EMIRATES_ID: 'الهوية الإماراتية|رقم الهوية الإماراتية|emirates id no|emirates identity|uae id|eida',
  IN_AADHAAR:
    'आधार|आधार संख्या|आधार नंबर|आधार कार्ड|aadhaar no|aadhar no|adhaar|adhar|aadhaar card|aadhar card|uid no|uid number|uidai no|aadhaar uid',
  IN_PAN: 'pan card|pan no|income tax pan|पैन|पैन कार्ड|पैन नंबर',
  IN_VOTER: 'voter card|voter id card|epic no|मतदाता|मतदाता पहचान पत्र|voter no',
  IN_GSTIN: 'gst no|gst number|gstin no',
  IN_PASSPORT: 'पासपोर्ट',
  PK_CNIC: 'cnic no|nadra id|nicop|شناختی کارڈ|شناختی کارڈ نمبر|computerized national identity',
  BD_NID: 'এনআইডি|জাতীয় পরিচয়পত্র নম্বর|nid no|nid card|national id card',
  LK_NIC: 'nic no|sri lankan nic|sri lanka nic',
  CN_RESIDENT_ID:
    '身份证号码|居民身份证|公民身份号码|证件号码|证件号|身份證號碼|shenfenzheng|sfz|chinese id|china id|id card|id card no',
  TW_ID: '身分證字號|國民身分證|身分證號|身份證字號|taiwan national id|tw id|taiwan id no',
  HK_ID: '香港身份證|香港身份證號碼|身份證號碼|香港身份证|hkid no|hong kong identity|hong kong id card|hk id',
  JP_MY_NUMBER:
    'マイナンバーカード|個人番号カード|mynumber|my number card|individual number|kojin bango|kojin number',
  KR_RRN:
    '주민등록 번호|주민등록|주민 번호|jumin|jumin no|resident number|resident registration no|korean id',
  TH_TNIN:
    'เลขบัตรประชาชน|บัตรประชาชน|เลขประจำตัว|หมายเลขบัตรประชาชน|thai national id|thai citizen|thai citizen id|citizen id|thai id card',
  MY_NRIC:
    'no kp|nombor kad pengenalan|no kad pengenalan|ic no|ic number|ic num|malaysian ic|malaysia ic|no ic|nokp',
  SG_NRIC_FIN: 'nric no|nric fin|fin no|fin number|singapore nric|foreign identification number',
  ID_NIK: 'nomor ktp|no ktp|nomor induk kependudukan|no nik|e ktp|ktp el',
  PH_TIN: 'bir tin|tin no|tin id|taxpayer identification number',
  PH_SSS: 'sss no|social security system',
  VN_CCCD:
    'căn cước công dân|số cccd|số căn cước|số cmnd|chứng minh nhân dân|can cuoc cong dan|so cccd|so cmnd|cmt',
  AU_TFN: 'tfn no|tax file no|tax file|australian tax file',
  AU_MEDICARE: 'medicare no|medicare card|medicare card no|medicare num',
  AU_ABN: 'abn no|australian business no',
  AU_ACN: 'acn no|australian company number',
  AU_IHI: 'ihi no|healthcare identifier',
  NZ_IRD: 'ird no|inland revenue no|nz tax|tax number nz',
  NZ_NHI: 'nhi no',
  BR_CPF:
    'número do cpf|numero do cpf|nr cpf|cpf do cliente|cadastro de pessoa física|cadastro de pessoas físicas|cpf mf|cpf titular',
  BR_CNPJ: 'número do cnpj|nr cnpj|cadastro nacional da pessoa jurídica|cnpj mf',
  BR_PIS: 'pis pasep|número do pis|nit pis|nis número|nr pis',
  BR_CNH: 'carteira de habilitação|número da cnh|registro cnh|cnh registro',
  BR_CNS: 'cartão nacional de saúde|cartao nacional de saude|cns sus|número do sus',
  BR_TITULO_ELEITOR: 'titulo eleitor|título eleitor|titulo eleitoral|inscrição eleitoral',
  AR_DNI: 'nro documento|nro de documento|número de documento|numero de documento|nro dni|num documento',
  PE_DNI: 'dni peruano|dni peru',
  AR_CUIT: 'nro cuit|nro de cuit|nro cuil|clave única de identificación tributaria|cuit cuil',
  CL_RUT: 'rol unico|rol único nacional|rol único tributario|rut no|rut cliente|cédula rut',
  CO_CEDULA: 'cc|cedula no|cédula no|cc no|nro cedula|documento de identidad|cedula ciudadania',
  EC_CEDULA:
    'ci|cédula de identidad|número de cédula|numero de cedula|num cedula|nro de cédula|cédula ecuatoriana',
  UY_CI: 'ci|cédula|cedula|cédula de identidad|cedula de identidad|documento uruguayo',
  DO_CEDULA: 'cédula de identidad y electoral|cédula de identidad|cedula de identidad|cédula electoral',
  CO_NIT: 'nit no|número de identificación tributaria|numero de identificacion tributaria',
  MX_CURP: 'clave única de registro|clave unica de registro|clave curp|clave única de registro de población',
  MX_RFC: 'registro federal|registro federal de contribuyentes|rfc con homoclave',
  MX_NSS:
    'número de seguridad social|numero de seguridad social|número de seguro social|numero de seguro social|num seguro social|nro seguro social|seguridad social|afiliación imss|nss imss',
  MX_CLABE: 'clabe interbancaria|cuenta clabe|clave bancaria estandarizada|clave interbancaria',
  VE_RIF: 'registro de información fiscal|número de rif|num rif',
  PASSPORT: passport,
  US_PASSPORT: passport,
  UK_PASSPORT: 'passport no|british passport no|passport num',
  US_DRIVER_LICENSE:
    'drivers license|drivers licence|driver licence|driving licence|dl no|dl num|dlnum|license no|licence no|licence number|dln|operator license|permis de conduire|numéro de permis|licencia de conducir|licencia de conducción|carnet de conducir|permiso de conducir|rijbewijs|rijbewijsnummer|prawo jazdy|carteira de motorista|carta de condução|körkort|førerkort|ajokortti|ehliyet|водительское удостоверение|運転免許|ड्राइविंग लाइसेंस',
  MEDICAL_RECORD_NUMBER:
    'patienten nr|patientennr|patienten id|paciente id|medical record no|medical rec no|mr no|mrn no|patient no|patient nbr|hospital number|hospital no|chart no|chart id|patientennummer|numéro de dossier|numéro de patient|número de historia|historia clínica|cartella clinica|número do prontuário|prontuário|case number medical',
  HEALTH_INSURANCE_NUMBER:
    'health plan id|health plan number|insurance member|member number|policy number|policy no|subscriber no|insurance policy|numéro de mutuelle|póliza|numero de poliza|polizza',
  SWIFT_CODE:
    'swift bic|bic swift|bic code|swiftcode|swift no|code bic|código swift|codice bic|codice swift|kod swift|код swift|swift код',
  IBAN_CODE: 'iban no|iban nr|iban num|bank details|account iban',
  IMEI: 'imei no|imei num|imei1|imei2|device id|handset id|device imei|序列号',
  IMSI: 'imsi no|subscriber identity',
  ICCID:
    'sim number|sim no|sim serial|iccid no|sim iccid|sim$|sim card|simkarte|carte sim|tarjeta sim|scheda sim|cartão sim|karta sim|sim kort|сим карта',
  VIN: 'vehicle identification|vin no|vin num|fahrgestellnummer|fahrgestell|fin$|fahrzeugidentifikationsnummer|fahrzeug ident|numéro de châssis|châssis|bastidor|número de bastidor|numero di telaio|telaio|chassi|chassisnummer|numer nadwozia|şasi no|şasi|vin код|车架号|車台番号|차대번호',
  LICENSE_PLATE:
    'plate no|plate num|tag number|license tag|matrícula|placa|immatriculation|plaque|targa|kenteken|nummerplaat|registreringsnummer|rendszám|kentekenplaat|tablice|nr rejestracyjny|车牌|車牌|ナンバープレート|차량번호|автомобильный номер|госномер',
  CA_HEALTH_CARD:
    'health card no|health card num|ohip no|phn no|ramq|carte santé|numéro de carte santé|health insurance card',
  EMPLOYEE_ID:
    'personal nr|personalnr|matricule$|matricola|employee no|staff no|staff number|emp id|emp no|badge no|mitarbeiternummer|matricule employé|número de empleado|personeelsnummer',
  NATIONAL_ID:
    "national id number|national id no|nationalid|government id|identity card|identity card no|id card no|personal id|personal identification number|identification number|personal number|citizen number|tax identification|tax identification number|tax number|tax no|tax ref|social security number|social security no|ausweisnummer|identifikationsnummer|numéro d’identité|numéro d'identité|carte d’identité|carte d'identité|carte nationale d’identité|cni|número de identidad|número de identificación|numero de identificacion|identificación|número de identificação|registro geral|documento d’identità|documento di identità|numer dowodu|dowód osobisty|dowodu osobistego|občanský průkaz|číslo op|személyi szám|személyi igazolvány|személyi azonosító|kimlik kartı|удостоверение личности|посвідчення|ταυτότητα|αριθμός ταυτότητας|رقم الهوية|身份证件|身分証|신분증|कार्ड संख्या|số định danh|personal kod|isikutunnistus|identitetskort|id kort|henkilökortti|legitimatie|identiteitskaart",
  MAC_ADDRESS: 'mac addr|hw address|physical address|wifi mac|ethernet address',
  CRYPTO:
    'btc address|eth address|bitcoin address|ethereum address|litecoin|ltc|usdt|wallet address|crypto wallet|tron|solana',
  DATE_TIME:
    'dateofbirth|birthdate|birth dt|dt of birth|date birth|born on|bday|b day|birth^|gebdat|geb datum|geb dat|geboren am|geboortedag|geboren op|date naissance|date de nais|ddn|fnac|f nac|f nacimiento|fecha nacimiento|dt nascimento|data nascimento|data nasc|dt nasc|nasc|data nascita|nasc il|nato a|nata a|född|födelsetid|fødselsdag|fødselsdag|fødselsdag|født|syntynyt|syntymäpäivä|ur$|data ur|datum narození|datum narodenia|narozen|narozena|narodený|narodená|datum rođenja|datum rodjenja|datum rojstva|rođen|rođena|születési|születési dátum|született|születésnap|data nașterii|data nasterii|născut|născută|дата народження|народився|народилася|родился|родилась|рожд|дата на раждане|роден|родена|doğum|doğum günü|doğumlu|γέννησης|ημερομηνία γέννησης|γεννήθηκε|תאריך לידה|נולד|ميلاد|تاريخ ميلاد|مواليد|تاریخ تولد|تاریخ پیدائش|जन्मतिथि|जन्म तारीख|जन्म|জন্ম তারিখ|生日|出生|出生年月日|誕生日|生年|생일|출생일|วันเกิด|วันเดือนปีเกิด|ngày sinh|sinh ngày|tanggal lahir|tgl lahir|tarikh lahir|dzimšanas datums|dzimis|gimimo data|gimęs|sünnikuupäev|sündinud|fæðingardagur|dyddiad geni|data lindjes|datelindja',
  PHONE_NUMBER:
    'phone no|phone num|phone nbr|tel no|telno|telnr|mobile no|mobile num|cell no|cell phone|cellular|contact no|contact num|contact phone|fone|ph no|phonenumber|hp$|h p$|tlfn|tlf nr|telefonnr|telefoonnr|telefoonnummer|mobielnummer|gsm nr|gsm no|handynummer|handynr|mobilnr|rufnr|rückruf|durchwahl|ruf mich|melde dich|fernsprecher|numéro de téléphone|numéro de portable|mon numéro$|son numéro$|numéro de mobile|téléphone portable|tél|port$|appelle moi|rappeler|rappelez|contacter|número de teléfono|numero de telefono|número de móvil|nro de teléfono|mi número$|su número$|tlfno|llamarme|llámeme|llamada|marque|numero di telefono|numero di cellulare|mio numero$|suo numero$|chiamarmi|chiamami|cell$|tel cel|número de telefone|numero de telefone|meu número$|telemóvel|telemovel|zap$|ligação|liga me|me ligue|mijn nummer$|bereikbaar|bel$|bel me|mobiele|telefonisch|ring mig|mitt nummer$|nummer till|mobilen|telefonnumret|telefonnummeret|min telefon|mit nummer$|numeroni|puhelinnumero|puhelinnumeroni|soita|matkapuhelin|gsm numara|numer telefonu|mój numer$|telefonu|komórka|tel kom|tel komórkowy|dzwonić|zadzwonić|kontakt pod|pod numerem|telefonní|telefonní číslo|mobilní|zavolejte|volejte|volat|moje číslo$|telefónne číslo|telefónu|zavolajte|telefonszám|telefonszámom|telefonszáma|mobilszám|hívjon|hívj|elérhető|telefonul|număr de telefon|numărul de telefon|numărul meu$|sunați|sunati|suna|telefonu numarası|telefon numarası|telefonum|numaram$|numarasından|arayabilirsiniz|arayın|cep|cep telefonu|cep tel|telefonski broj|broj telefona|nazovite|mobitel|pozovite|telefonska|telefonska številka|телефону|телефона|номер телефона|номер телефону|мобильный|мобільний|моб|моб тел|позвонить|позвоните|позвони|звонить|зателефонуйте|подзвоніть|мой номер$|мій номер$|по номеру|за номером|сотовый|телефонен|обадете|обадете се|мобилен|τηλέφωνο|τηλεφώνου|τηλ|κινητό|κινητού|καλέστε|αριθμός τηλεφώνου|טלפון|טל׳|נייד|פלאפון|תתקשר|התקשרו|הטלפון|هاتفي|رقم الهاتف|رقم هاتفي|جوال|موبايل|اتصل|الجوال|تلفن|موبایل|شماره تلفن|شماره|تماس|فون|موبائل|मोबाइल|मोबाइल नंबर|फोन|फ़ोन नंबर|फोन नंबर|दूरभाष|टेलीफोन|टेलिफोन|টেলিফোন|தொலைபேசி|ఫోన్|ტელეფონი|հեռախոս|कॉल|মোবাইল|ফোন|手机|手机号|手機|手機號碼|联系电话|聯絡電話|电话号码|電話號碼|座机|打电话|電話番号|携帯|携帯電話|連絡先|お電話|전화번호|휴대폰|핸드폰|연락처|휴대전화|โทร|โทรศัพท์|เบอร์|เบอร์โทร|มือถือ|điện thoại|số điện thoại|sđt|di động|gọi|gọi cho|nomor hp|no hp|nomor telepon|telepon|telp|hubungi|nombor telefon|telefon bimbit|nambari ya simu|simu|selfoon|tālrunis|tālruņa|telefonas|telefono numeris|telefoninumber|sími|símanúmer|ffôn',
};

/** Those of a detector's context that name a whole class of things (see general.ts). */
const general: Readonly<Record<string, string>> = {
  CREDIT_CARD: 'card|karta|карта|картка|tarjeta|cartão|cartao',
  US_BANK_NUMBER:
    'account$|acct$|cuenta$|konto$|compte$|conta$|rachunek|deposit account|savings|checking|acct',
};

/** The detectors with their names in other languages behind their own. */
export function withWords<T extends Detector>(detectors: readonly T[]): readonly T[] {
  return detectors.map((detector) => {
    const more = words[detector.name]?.split('|') ?? [];
    const known = new Set(detector.context);
    const classes = general[detector.name]?.split('|');
    return {
      ...detector,
      ...(classes === undefined ? {} : { general: classes }),
      context: [...detector.context, ...new Set(more.filter((each) => !known.has(each)))],
    };
  });
}
